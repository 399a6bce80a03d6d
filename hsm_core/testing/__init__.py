"""Contract suites and stand-ins for authors of a host, a scheduler or a source; pytest runs them."""
