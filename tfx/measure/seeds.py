"""Random numbers for the parts of an experiment."""

from __future__ import annotations

import numpy as np

from tfx.errors import BadInput


def generator(seed: int, *key: int) -> np.random.Generator:
    """A random generator for one part of an experiment: `key` tells the parts apart, so that dropping one part
    changes no other.  Raises BadInput for a negative seed."""
    if seed < 0:
        raise BadInput(f"the seed must be 0 or more, but is {seed}.", f"Try: --seed {-seed}")
    return np.random.default_rng([seed, *key])
