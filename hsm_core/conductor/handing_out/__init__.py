"""Hands tasks out to sources: who takes which, and what each of them is still to be given."""
