"""A top-k router that is trained on tokens of a few clusters: who gets the tokens, and does it know the clusters?

Each cluster has a linear map of its own, which the experts together have to learn.  There are as many experts as
clusters, so an even share is possible.  Source: Fedus et al. 2022, "Switch Transformers", section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.optim.adam import Adam
from tfx.params import flatten

CLUSTERS, COORDINATES = 8, 12


class Routed(NamedTuple):
    """dead: experts that no token of the test chose, of all; entropy: of their use, and information: between the
    cluster of a token and its expert, both as a share of the largest possible."""

    dead: float
    entropy: float
    information: float


def train_router(
    rng: np.random.Generator,
    balance: float,
    k: int,
    n_steps: int = 100,
    n_tokens: int = 48,
    watch: Callable[[tuple[int, ...]], object] | None = None,
) -> Routed:
    """balance: the coefficient of the loss that asks for an even load, 0 for none.  watch: is told at every step how
    many tokens of the batch each expert worked on."""
    centres = 2 * rng.standard_normal((CLUSTERS, COORDINATES))
    maps = rng.standard_normal((CLUSTERS, COORDINATES, COORDINATES)) / np.sqrt(COORDINATES)
    layer = MixtureOfExperts(COORDINATES, 16, rng, "relu", n=CLUSTERS, k=k, losses={"balance": balance})
    optimizer = Adam(flatten(layer))

    def tokens(clusters: np.ndarray) -> np.ndarray:
        return (centres[clusters] + 0.3 * rng.standard_normal((len(clusters), COORDINATES))).astype("float32")

    for _ in range(n_steps):
        clusters = rng.integers(0, CLUSTERS, n_tokens)
        x = tokens(clusters)
        y, cache = layer.forward(x)
        if watch is not None:
            watch(cache.counts)
        layer.zero_grad()
        layer.backward(2 * (y - np.einsum("nc,ncd->nd", x, maps[clusters]).astype("float32")) / n_tokens, cache)
        optimizer.step(1e-2)
    clusters = np.arange(CLUSTERS).repeat(24)
    _, cache = layer.forward(tokens(clusters))
    together = np.zeros((CLUSTERS, CLUSTERS))
    np.add.at(together, (clusters.repeat(k), cache.chosen.reshape(-1)), 1 / (k * len(clusters)))
    use = entropy(together.sum(axis=0))
    information = use + np.log(CLUSTERS) - entropy(together.reshape(-1))
    return Routed(float((together.sum(axis=0) == 0).mean()), use / np.log(CLUSTERS), information / np.log(CLUSTERS))


def entropy(p: np.ndarray) -> float:
    """In nats; what never happens counts nothing."""
    seen = p[p > 0]
    return float(-(seen * np.log(seen)).sum())
