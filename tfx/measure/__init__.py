"""Measures of models: how good, how sure, how fair, and what is going on inside.  One idea per file."""
