"""Contract suites and stand-ins for whoever writes a host, a scheduler or a source; pytest runs them."""
