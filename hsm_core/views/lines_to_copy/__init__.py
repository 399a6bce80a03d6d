"""Command lines for a user to copy: how to go on with a sweep, and how to run one of its tasks alone."""
