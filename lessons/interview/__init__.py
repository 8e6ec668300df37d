"""The deck of derivations and code: `tfx quiz interview`, and a part of `tfx quiz --interview`."""
