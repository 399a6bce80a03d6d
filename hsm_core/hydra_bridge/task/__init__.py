"""Runs a task of a Hydra app on a node."""
