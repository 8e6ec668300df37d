"""What there is to derive yourself."""
