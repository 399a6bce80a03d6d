"""Tells who lives on this machine, and keeps what belongs to one user there."""
