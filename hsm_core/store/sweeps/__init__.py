"""Tells which sweeps there are: a user's list, what was typed, the one around a path, earlier ones of a directory."""
