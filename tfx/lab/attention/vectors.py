"""Random queries and keys with a chosen flaw, and the variance that their dot product must then have.

Ideal coordinates are independent with mean 0 and variance 1.  Three flaws can be switched on, alone or together:

    mean m           q = m + a, k = m + b, where a and b have mean 0 and variance 1
    correlation r    b = r a + sqrt(1 - r^2) z, with z independent of a
    rank R           only R coordinates are drawn; coordinate i of q and of k repeats coordinate i mod R

Derivation of Var(q.k).  One coordinate: q k = m^2 + m (a + b) + a b.  Var(a + b) = 2 + 2r.  With kurtosis
E a^4 = kappa, E a^2 b^2 = r^2 kappa + 1 - r^2, so Var(a b) = 1 + r^2 (kappa - 2); the cross term is a third moment
and vanishes for symmetric a.  Hence one coordinate has

    v = 1 + r^2 (kappa - 2) + 2 m^2 (1 + r)

and d independent coordinates have d v.  With rank R a coordinate that occurs c times counts c^2, and the sum of c^2
is d^2 / R when R divides d.  The law d_k of Vaswani et al. 2017, section 3.2.1, footnote 4, is m = r = 0, R = d.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import to_numpy

#: Numbers in memory at a time (float32, so 2 MiB).
CHUNK = 1 << 19
#: E a^4 of each distribution, all with mean 0 and variance 1.
KURTOSIS = {"normal": 3.0, "uniform": 1.8, "sign": 1.0}


@dataclass(frozen=True)
class Flaws:
    """How queries and keys differ from the ideal; the defaults are the ideal."""

    mean: float = 0.0
    correlation: float = 0.0
    rank: int | None = None
    distribution: str = "normal"

    def drawn(self, d_k: int) -> int:
        """How many coordinates are really drawn."""
        return d_k if self.rank is None else min(self.rank, d_k)

    def variance_of_dot(self, d_k: int) -> float:
        """Var(q.k) by the derivation above."""
        drawn = self.drawn(d_k)
        times, left = divmod(d_k, drawn)
        squared_counts = left * (times + 1) ** 2 + (drawn - left) * times**2
        kappa = KURTOSIS[self.distribution]
        r, m = self.correlation, self.mean
        return squared_counts * (1.0 + r * r * (kappa - 2.0) + 2.0 * m * m * (1.0 + r))

    def law_in_words(self) -> str:
        """The variance law as a formula with numbers: `d_k`, `1.5 d_k`, `d_k^2 / 4`."""
        factor = Flaws(self.mean, self.correlation, None, self.distribution).variance_of_dot(1)
        width = "d_k" if self.rank is None else f"d_k^2 / {self.rank}"
        return width if factor == 1 else f"{factor:.4g} {width}"


class Pairs(NamedTuple):
    """q, k: (n, d_k), row i of one belongs to row i of the other.  law: Var(q.k) by the derivation above."""

    q: np.ndarray
    k: np.ndarray
    law: float


IDEAL = Flaws()


def draw_pairs(rng: np.random.Generator, n: int, d_k: int, flaws: Flaws = IDEAL) -> Pairs:
    """n pairs of a query and a key, float64, with the variance that theory gives to their dot products.

    q, k, law = draw_pairs(rng, 20_000, 64, Flaws(mean=0.5))
    """
    q, k = draw_queries_and_keys(rng, flaws, n, 1, d_k, np.float64)
    return Pairs(q[:, 0], k[:, 0], flaws.variance_of_dot(d_k))


def dot_products(
    rng: np.random.Generator,
    flaws: Flaws,
    n: int,
    n_keys: int,
    d_k: int,
    xp: Any,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """(n, n_keys) q.k of n queries, each with its own keys, on the host, in float64, so that moments lose nothing.

    They are made in pieces, by a plain sum: BLAS may add in an order that depends on its number of threads, and the
    same seed must give the same bytes.  progress(done, n): called between pieces.
    """
    at_once = max(1, CHUNK // (d_k * (1 + n_keys)))
    pieces = []
    for done in range(0, n, at_once):
        if progress and done:
            progress(done, n)
        q, k = draw_queries_and_keys(rng, flaws, min(at_once, n - done), n_keys, d_k)
        pieces.append(to_numpy((xp.asarray(q) * xp.asarray(k)).sum(axis=-1)).astype(np.float64))
    return np.concatenate(pieces)


def draw_queries_and_keys(
    rng: np.random.Generator, flaws: Flaws, n: int, n_keys: int, d_k: int, dtype: Any = np.float32
) -> tuple[np.ndarray, np.ndarray]:
    """n queries, each with its own keys -> q: (n, 1, d_k), k: (n, n_keys, d_k)."""
    drawn = flaws.drawn(d_k)
    q = draw_standard(rng, (n, 1, drawn), flaws.distribution, dtype)
    k = draw_standard(rng, (n, n_keys, drawn), flaws.distribution, dtype)
    r = flaws.correlation
    if r:
        k = r * q + math.sqrt(1.0 - r * r) * k
    if flaws.mean:
        q = q + flaws.mean
        k = k + flaws.mean
    if drawn < d_k:
        repeat = np.arange(d_k) % drawn
        q, k = q[..., repeat], k[..., repeat]
    return q, k


def draw_standard(
    rng: np.random.Generator, shape: tuple[int, ...], distribution: str, dtype: Any = np.float32
) -> np.ndarray:
    """Independent numbers with mean 0 and variance 1, float32 or float64."""
    if distribution == "normal":
        return rng.standard_normal(shape, dtype=dtype)
    if distribution == "uniform":
        return (rng.random(shape, dtype=dtype) * 2 - 1) * math.sqrt(3.0)
    return rng.integers(0, 2, shape, dtype=np.int8).astype(dtype) * 2 - 1
