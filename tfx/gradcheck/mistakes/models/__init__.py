"""Known mistakes in tfx/models."""
