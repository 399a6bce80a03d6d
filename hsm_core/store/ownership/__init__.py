"""Tells whether a sweep is this user's alone, before anything of it acts."""
