"""Detects what this machine offers: scheduler, project root, scratch, python."""
