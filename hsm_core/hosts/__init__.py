"""Defines machines where commands run: this one, or one behind SSH."""
