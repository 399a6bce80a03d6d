"""From axes and filters to a lazy sequence of tasks."""
