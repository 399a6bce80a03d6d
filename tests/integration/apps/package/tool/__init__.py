"""An app that is installed, or run with ``python -m tool.app``."""
