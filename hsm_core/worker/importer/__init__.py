"""The process that imports the app and forks the tasks."""
