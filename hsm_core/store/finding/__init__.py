"""Finds sweeps: by what was typed, and by the directory that somebody is in."""
