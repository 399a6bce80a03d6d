"""Serves this machine's commands and files over one channel to a hsm that runs elsewhere."""
