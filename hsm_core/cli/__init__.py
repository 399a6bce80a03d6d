"""The commands hsm and hsm-status."""
