"""Right answers in PyTorch: one for each exercise as people write it, and other ways.  They are judged as text."""
