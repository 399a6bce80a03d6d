"""Writes command lines for a user to copy: to resume a sweep, and to run one of its tasks alone."""
