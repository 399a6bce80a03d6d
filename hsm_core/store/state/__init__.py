"""The state of a sweep and its tasks, which its events add up to."""
