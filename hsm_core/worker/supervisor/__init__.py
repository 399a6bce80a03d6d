"""Runs the tasks of a worker in its slots and reports on them."""
