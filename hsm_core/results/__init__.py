"""What tasks returned, as rows of a table."""
