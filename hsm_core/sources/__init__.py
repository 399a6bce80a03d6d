"""Where batches go: a pool of workers on hosts, or a batch queue."""
