"""What there is to write yourself."""
