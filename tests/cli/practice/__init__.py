"""Practice on the command line."""
