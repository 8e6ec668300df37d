"""Explaining: a lesson shown step by step, a number asked for before it is shown, the map of the course."""
