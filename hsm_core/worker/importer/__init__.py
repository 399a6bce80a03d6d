"""Imports the app and forks the tasks, in a process of its own."""
