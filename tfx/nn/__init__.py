"""Layers: they own parameters and call the pure functions of tfx.ops; they keep no activation."""
