"""Explaining: a lesson step by step, numbers asked for, the reader moving about in it; the map of the course."""
