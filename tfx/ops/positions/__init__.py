"""Where a token stands: sinusoids, rotations, biases, buckets."""
