"""Speaks to PBS Pro, OpenPBS and Torque."""
