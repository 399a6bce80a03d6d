"""Tasks of several ranks."""
