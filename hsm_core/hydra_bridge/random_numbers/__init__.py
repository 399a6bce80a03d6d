"""Gives each task random numbers of its own where the app set no seed."""
