"""Trained models of the toy tasks: how their files are called and found again, and what one does with your input."""
