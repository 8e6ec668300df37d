"""Tokenizers and small seeded tasks."""
