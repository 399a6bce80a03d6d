"""The commands that show what tasks returned: as a table, beside another sweep's, as a plot, in a file."""
