"""The commands that show sweeps in a browser."""
