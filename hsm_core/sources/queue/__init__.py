"""A scheduler's queue as a place where tasks run: divides them into jobs, submits these, and tells how they end."""
