"""Templates of the scripts that run on a node, and their rendering."""
