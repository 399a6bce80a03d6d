"""What is done while the app is imported, as the environment says."""

import ctypes
import os

import numpy as np

library = None
if "SEED_AT_IMPORT" in os.environ:
    np.random.seed(int(os.environ["SEED_AT_IMPORT"]))
if "TEAM" in os.environ:
    library = ctypes.CDLL(os.environ["TEAM"])
    library.team(0)
