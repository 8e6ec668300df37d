"""The feed-forward part of a block: one network for all tokens, or a mixture of experts in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.feed_forward import FeedForward
from tfx.nn.mixture_of_experts import MixtureOfExperts


def make_feed_forward(
    d_model: int,
    d_ff: int,
    rng: np.random.Generator,
    activation: str = "gelu",
    dtype: Any = "float32",
    bias: bool = True,
    experts: Mapping[str, Any] | None = None,
) -> Any:
    """The feed-forward part of a block: one network, or with `experts` (settings: n, k ...) a mixture of them."""
    if experts is None:
        return FeedForward(d_model, d_ff, rng, activation, dtype, bias)
    if not isinstance(experts, Mapping):
        raise TypeError(f'experts must be settings by name, such as {{"n": 4, "k": 2}}, not {experts!r}')
    return MixtureOfExperts(
        d_model, rng=rng, activation=activation, dtype=dtype, bias=bias, **{"d_ff": d_ff, **experts}
    )


def run_feed_forward(layer: Any, x: Array, rng: Any, keep: Array | None = None) -> tuple[Array, Any]:
    """Runs the feed-forward part of a block, any layer with x: (B, T, C) -> y.

    A mixture also gets rng, for its noise, and keep: (B, T), for what is filling.
    """
    return layer.forward(x, rng, keep) if isinstance(layer, MixtureOfExperts) else layer.forward(x)
