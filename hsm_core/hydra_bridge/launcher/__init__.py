"""Turns calls of a Hydra launcher into a sweep on disk and a conductor that runs it."""
