"""The launchers' fields: declared to Hydra, resolved, typed, each as it is for a task, and as they are recorded."""
