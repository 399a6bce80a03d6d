"""Runs one attempt and writes down how it ended."""
