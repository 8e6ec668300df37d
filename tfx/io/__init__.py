"""Files: arrays, models and checkpoints."""
