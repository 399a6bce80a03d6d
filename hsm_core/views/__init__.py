"""Texts, JSON and tables about sweeps, for people and for scripts."""
