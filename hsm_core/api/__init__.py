"""Offers sweeps, their tasks and results, and reports from a task to Python: ``import hsm_core as hsm``."""
