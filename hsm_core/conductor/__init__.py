"""Conducts a sweep: submits, watches and collects."""
