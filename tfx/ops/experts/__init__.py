"""Mixtures of experts: routing, capacity, balance."""
