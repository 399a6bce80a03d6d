"""Writes tables of results in the formats that other programs read."""
