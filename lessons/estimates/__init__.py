"""The deck of estimates: `tfx quiz estimates`."""
