"""Starts a worker, or an importer of a worker: ``python …/worker/__main__.py supervise|import …``."""

import os
import sys

if __name__ == "__main__":
    # Run by path, so that nothing in the working directory stands before the standard library.
    sys.path[:1] = []
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from hsm_core.worker.main import main

    main(sys.argv[1:])
