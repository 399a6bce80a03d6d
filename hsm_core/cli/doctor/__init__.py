"""Looks for what keeps sweeps from working here."""
