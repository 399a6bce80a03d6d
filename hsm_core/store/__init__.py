"""What a sweep has on disk: the only part that spells file names and formats."""
