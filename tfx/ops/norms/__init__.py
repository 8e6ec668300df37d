"""Activations brought to one size: by token, by group, by batch."""
