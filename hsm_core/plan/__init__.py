"""Turns axes and filters into a lazy sequence of tasks."""
