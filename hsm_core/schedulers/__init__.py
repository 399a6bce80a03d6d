"""Speaks the dialects of batch systems: text in, text out."""
