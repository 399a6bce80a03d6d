"""Keeps a sweep on disk; no other part spells file names and formats."""
