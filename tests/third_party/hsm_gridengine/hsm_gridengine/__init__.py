"""Grid Engine for hsm: job arrays of Son of Grid Engine and its kin."""
