"""Angular hashing: vectors that point the same way most likely get the same bucket.

    h(x) = argmax([x R; -x R])            R: (D, n / 2) standard normal, x R the coordinates in a random frame

The bucket is the axis, with its sign, that x is closest to after a random turn.  The length of x does not matter.  Two
vectors at a small angle share a bucket often, opposite ones never; several rounds with new R lower the chance that two
near ones miss each other every time.

An argmax is constant almost everywhere: there is no gradient, and none is invented.  In Reformer the hash only decides
which scores are made; gradients flow through the scores.
Source: Andoni et al. 2015, "Practical and Optimal LSH for Angular Distance"; Kitaev, Kaiser and Levskaya 2020,
"Reformer: The Efficient Transformer", section 2.
"""

from __future__ import annotations

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of


def random_rotations(width: int, n_buckets: int, n_rounds: int, seed: int = 0) -> np.ndarray:
    """-> R: (n_rounds, D, n_buckets / 2), float64 on the host; one bucket needs no direction.

    Raises ValueError unless n_buckets is 1 or even and there is a round.
    """
    whole_number("n_buckets", n_buckets)
    if n_buckets < 1 or (n_buckets != 1 and n_buckets % 2):
        raise ValueError(f"n_buckets must be 1 or even, not {n_buckets}")
    whole_number("n_rounds", n_rounds, 1)
    whole_number("seed", seed, 0)
    return np.random.default_rng(seed).standard_normal((n_rounds, width, n_buckets // 2))


def lsh_buckets(x: Array, rotations: Array) -> Array:
    """x: (..., T, D), rotations: (R, D, n / 2) -> buckets: (..., R, T) integers, 0 .. n - 1.

    Only the real part is looked at: a complex step must not move a bucket.
    """
    xp = xp_of(x)
    if rotations.shape[-1] and rotations.shape[-2] != x.shape[-1]:
        raise ValueError(f"rotations are for width {rotations.shape[-2]} but x has {x.shape[-1]}")
    real = x.real[..., None, :, :]
    if not rotations.shape[-1]:
        return xp.zeros((*x.shape[:-2], rotations.shape[0], x.shape[-2]), dtype="int64")
    turned = real @ xp.asarray(rotations).astype(real.dtype)  # (..., R, T, n / 2)
    return xp.concatenate((turned, -turned), axis=-1).argmax(axis=-1)
