"""The only part that knows Hydra."""
