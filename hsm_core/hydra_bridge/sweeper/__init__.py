"""Expands grids and paired overrides into tasks and hands them to a launcher."""
