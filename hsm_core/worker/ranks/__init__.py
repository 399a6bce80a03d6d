"""Runs tasks of several ranks."""
