"""Explains why tasks are not completed, and suggests what to do about it."""
