"""What happens to each token by itself: activations, gates, the two-layer network."""
