"""The page that shows sweeps in a browser: what is on it, and its text."""
