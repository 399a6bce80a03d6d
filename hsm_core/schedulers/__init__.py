"""Dialects of batch systems: text in, text out."""
