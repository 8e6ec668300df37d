"""The feed-forward part of a block: one network for all tokens, or a mixture of experts in its place."""

from __future__ import annotations

import numpy as np

from tfx.nn.block_settings import PlainBlockSettings
from tfx.nn.feed_forward import FeedForward, feed_forward_of
from tfx.nn.mixture_of_experts import MixtureOfExperts


def make_feed_forward(settings: PlainBlockSettings, rng: np.random.Generator) -> FeedForward | MixtureOfExperts:
    """Either has forward(x, rng, keep): a mixture needs rng for its noise and keep, (B, T), for what is filling."""
    experts = getattr(settings, "experts", None)
    if experts is None:
        return feed_forward_of(settings, rng)
    alike = (settings.activation, settings.dtype, settings.bias)
    d_ff = settings.d_ff if experts.d_ff is None else experts.d_ff
    return MixtureOfExperts(settings.d_model, d_ff, rng, *alike, experts)
