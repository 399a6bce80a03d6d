"""The app that a sweep runs: how a worker gets at it, its code as it was, what of it is sent to the tasks."""
