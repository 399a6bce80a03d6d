"""What the events of a sweep add up to."""
