"""Runs tasks on a node, with the standard library only."""
