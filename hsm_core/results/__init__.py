"""Collects what tasks returned, or wrote, as rows of a table and as learning curves."""
