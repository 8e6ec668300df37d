"""Smaller models: weights in few bits, weights that are removed, heads and units that are taken out."""
