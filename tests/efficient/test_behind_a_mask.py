"""NaN and infinity behind a mask change no bit of output or gradient, in exact attention and in every kernel."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tfx.efficient.linear_attention import linear_attention_backward, linear_attention_forward
from tfx.efficient.linformer import linformer_backward, linformer_forward
from tfx.efficient.longformer import longformer_attention_backward, longformer_attention_forward
from tfx.efficient.memory_efficient_attention import (
    memory_efficient_attention_backward,
    memory_efficient_attention_forward,
)
from tfx.efficient.nystrom_attention import nystrom_attention_backward, nystrom_attention_forward
from tfx.efficient.performer import performer_backward, performer_forward, random_features
from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward

B, H, T, D, DV = 2, 3, 9, 4, 5
BAD = [np.nan, np.inf, -np.inf, 1e300]


def linformer(q: Any, k: Any, v: Any, mask: Any) -> Any:
    return linformer_forward(q, k, v, np.random.default_rng(5).standard_normal((3, T)), mask=mask)


def linformer_back(dout: Any, cache: Any) -> Any:
    grads = linformer_backward(dout, cache)
    return grads.dq, grads.dk, grads.dv


FEATURES = random_features(8, D, 0, dtype="float64")
EVERY: dict[str, tuple[Any, Any]] = {
    "exact": (attention_forward, attention_backward),
    "exact, soft cap": (partial(attention_forward, soft_cap=3.0), attention_backward),
    "tiled": (partial(tiled_attention_forward, block_q=4, block_k=3), tiled_attention_backward),
    "memory-efficient": (memory_efficient_attention_forward, memory_efficient_attention_backward),
    "longformer": (partial(longformer_attention_forward, window=3), longformer_attention_backward),
    "linear": (linear_attention_forward, linear_attention_backward),
    "performer": (lambda q, k, v, mask: performer_forward(q, k, v, FEATURES, mask), performer_backward),
    "linformer": (linformer, linformer_back),
    "nystrom": (partial(nystrom_attention_forward, n_landmarks=4), nystrom_attention_backward),
}
CAUSAL: dict[str, tuple[Any, Any]] = {
    "exact": (lambda q, k, v: attention_forward(q, k, v, causal_mask(T)), attention_backward),
    "tiled": (partial(tiled_attention_forward, causal=True, block_q=4, block_k=3), tiled_attention_backward),
    "memory-efficient": (partial(memory_efficient_attention_forward, causal=True), memory_efficient_attention_backward),
    "longformer": (partial(longformer_attention_forward, window=3, causal=True), longformer_attention_backward),
    "linear": (partial(linear_attention_forward, causal=True, chunk=4), linear_attention_backward),
    "performer": (
        lambda q, k, v: performer_forward(q, k, v, FEATURES, causal=True, chunk=4),
        performer_backward,
    ),
}


def drawn() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(3)
    return tuple(rng.standard_normal((B, H, T, width)) for width in (D, D, DV, DV))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("where", ["keys", "values", "both"])
@pytest.mark.parametrize("name", EVERY)
def test_filling_may_hold_anything(name, where, bad):
    forward, backward = EVERY[name]
    q, k, v, dout = drawn()
    mask = np.arange(T) < np.array([T, 6])[:, None, None, None]  # the second row ends in filling
    results = []
    for number in (0.0, bad):
        k1, v1 = k.copy(), v.copy()
        if where != "values":
            k1[1, :, 6:] = number
        if where != "keys":
            v1[1, :, 6:] = number
        with np.errstate(all="ignore"):
            out, cache = forward(q, k1, v1, mask=mask)
            results.append((out, *backward(dout, cache)))
    for clean, odd in zip(*results, strict=True):
        np.testing.assert_array_equal(odd, clean)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("where", ["keys", "values", "both"])
@pytest.mark.parametrize("name", CAUSAL)
def test_what_comes_later_may_be_anything(name, where, bad):
    """The last token is bad.  Earlier outputs and their gradients on the way to the queries do not hear of it."""
    forward, backward = CAUSAL[name]
    q, k, v, dout = drawn()
    results = []
    for number in (0.0, bad):
        k1, v1 = k.copy(), v.copy()
        if where != "values":
            k1[:, :, -1] = number
        if where != "keys":
            v1[:, :, -1] = number
        with np.errstate(all="ignore"):
            out, cache = forward(q, k1, v1)
            dq, _, _ = backward(dout, cache)
        results.append((out[:, :, :-1], dq[:, :, :-1]))
    for clean, odd in zip(*results, strict=True):
        np.testing.assert_array_equal(odd, clean)


def test_what_may_be_read_still_counts():
    q, k, v, _ = drawn()
    v[0, 0, 2, 1] = np.nan
    with np.errstate(all="ignore"):
        out, _ = attention_forward(q, k, v, causal_mask(T))
    assert np.isnan(out[0, 0, 2:, 1]).all() and np.isfinite(np.delete(out[0, 0], 1, axis=-1)).all()
    assert np.isfinite(out[0, 0, :2]).all() and np.isfinite(out[1]).all()
