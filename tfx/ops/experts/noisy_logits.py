"""Noise on the logits of a router, as strong as the router wants it: tokens try other experts while training.

    s = softplus(raw)               the spread of the noise, from a second linear map of the token; always positive
    y = clean + noise * s           noise: standard normal, drawn apart

Without noise the experts that are good at the start get all the tokens and become better still.  In evaluation there
is none.

Derivation.  noise is a constant:  dclean = dy,  ds = dy noise,  draw = ds softplus'(raw).  The load of ops/expert_load
reads s as well, and its gradient is added to ds.
Source: Shazeer et al. 2017, "Outrageously Large Neural Networks", equation 4.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.feed_forward.sigmoid import softplus_backward, softplus_forward


class NoisyLogitsCache(NamedTuple):
    spread: Array
    noise: Array
    softplus: Any


@in_float32
def noisy_logits_forward(clean: Array, raw: Array, noise: Array) -> tuple[Array, NoisyLogitsCache]:
    """clean, raw, noise: (..., E) -> y: (..., E), cache.  Raises ValueError when the shapes differ."""
    if not clean.shape == raw.shape == noise.shape:
        raise ValueError(f"logits are {clean.shape}, spreads {raw.shape} and noise {noise.shape}: all must be equal")
    spread, softplus = softplus_forward(raw)
    return clean + noise * spread, NoisyLogitsCache(spread, noise, softplus)


@in_float32
def noisy_logits_backward(dy: Array, cache: NoisyLogitsCache, dspread: Array | None = None) -> tuple[Array, Array]:
    """dy: (..., E) -> dclean, draw: (..., E).  dspread: (..., E), from a loss that reads the spread itself."""
    ds = dy * cache.noise  # y = clean + noise * spread
    if dspread is not None:
        ds = ds + dspread
    return dy, softplus_backward(ds, cache.softplus)  # spread = softplus(raw)
