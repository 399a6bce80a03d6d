"""Speaks to Slurm."""
