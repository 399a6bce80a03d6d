"""Asks the operating system about processes, memory, signals and GPUs."""
