"""Talking with a person: keys, pages, progress, interrupts, predictions."""
