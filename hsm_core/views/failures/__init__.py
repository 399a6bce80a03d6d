"""Why tasks are not completed, and what to do about it."""
