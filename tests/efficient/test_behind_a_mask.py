"""NaN and infinity behind a mask change no bit of output or gradient, in exact attention and in every kernel."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tfx.efficient.big_bird import big_bird_attention_backward, big_bird_attention_forward
from tfx.efficient.linear_attention import linear_attention_backward, linear_attention_forward
from tfx.efficient.linformer import linformer_backward, linformer_forward
from tfx.efficient.longformer import longformer_attention_backward, longformer_attention_forward
from tfx.efficient.lsh_attention import lsh_attention_backward, lsh_attention_forward
from tfx.efficient.memory_efficient_attention import (
    memory_efficient_attention_backward,
    memory_efficient_attention_forward,
)
from tfx.efficient.nystrom_attention import nystrom_attention_backward, nystrom_attention_forward
from tfx.efficient.performer import performer_backward, performer_forward, random_features
from tfx.efficient.sparse_transformer import (
    sparse_transformer_attention_backward,
    sparse_transformer_attention_forward,
)
from tfx.efficient.synthesizer import (
    dense_synthesizer_backward,
    dense_synthesizer_forward,
    random_synthesizer_backward,
    random_synthesizer_forward,
)
from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.ops.attention.attend import attend_backward, attend_forward
from tfx.ops.attention.general_scores import SCORES
from tfx.ops.attention.grouped_attention import grouped_attention_backward, grouped_attention_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.relative_keys_values import (
    relative_keys_values_attention_backward,
    relative_keys_values_attention_forward,
)
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_backward_steps, attention_forward
from tfx.ops.attention.transformer_xl import transformer_xl_attention_backward, transformer_xl_attention_forward

B, H, T, D, DV = 2, 3, 9, 4, 5
BAD = [np.nan, np.inf, -np.inf, 1e300]


def linformer(q: Any, k: Any, v: Any, mask: Any) -> Any:
    return linformer_forward(q, k, v, np.random.default_rng(5).standard_normal((3, T)), mask=mask)


def linformer_back(dout: Any, cache: Any) -> Any:
    grads = linformer_backward(dout, cache)
    return grads.dq, grads.dk, grads.dv


def fixed(*shape: int) -> np.ndarray:
    """Parameters, the same in every call."""
    return np.random.default_rng(7).standard_normal(shape)


def with_scores(name: str, *parameters: np.ndarray) -> tuple[Any, Any]:
    """Attention whose scores come from elsewhere, forward and backward."""
    scores_forward, scores_backward = SCORES[name]

    def forward(q: Any, k: Any, v: Any, mask: Any) -> Any:
        scores, of_scores = scores_forward(q, k, *parameters)
        out, cache = attend_forward(scores, v, mask)
        return out, (of_scores, cache)

    def backward(dout: Any, caches: Any) -> Any:
        of_scores, cache = caches
        dscores, dv = attend_backward(dout, cache)
        return *scores_backward(dscores, of_scores), dv

    return forward, backward


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
    "big bird": (partial(big_bird_attention_forward, block=2, n_window=1), big_bird_attention_backward),
    "sparse, by heads": (
        partial(sparse_transformer_attention_forward, stride=3, causal=False),
        sparse_transformer_attention_backward,
    ),
    "sparse, fixed": (
        partial(sparse_transformer_attention_forward, stride=3, pattern="fixed", part="merged", causal=False),
        sparse_transformer_attention_backward,
    ),
    "lsh": (
        lambda q, k, v, mask: lsh_attention_forward(k, v, mask, n_buckets=4, chunk=3, n_rounds=2),
        lsh_attention_backward,
    ),
    "random synthesizer": (
        lambda q, k, v, mask: random_synthesizer_forward(v, fixed(H, T, T), None, mask),
        random_synthesizer_backward,
    ),
    "dense synthesizer": (
        lambda q, k, v, mask: dense_synthesizer_forward(q, v, fixed(D, 6), fixed(1, 6), fixed(6, T), fixed(1, T), mask),
        dense_synthesizer_backward,
    ),
    "grouped": (
        lambda q, k, v, mask: grouped_attention_forward(q, k[:, :1], v[:, :1], mask),
        lambda dout, cache: grouped_attention_backward(dout, cache)[:3],
    ),
    "relative keys and values": (
        lambda q, k, v, mask: relative_keys_values_attention_forward(q, k, v, fixed(5, D), fixed(5, DV), mask),
        relative_keys_values_attention_backward,
    ),
    "transformer-xl": (
        lambda q, k, v, mask: transformer_xl_attention_forward(
            q, k, v, fixed(H, 2 * T - 1, D), fixed(H, D), fixed(H, D), mask
        ),
        transformer_xl_attention_backward,
    ),
    "dot scores": with_scores("dot"),
    "general scores": with_scores("general", fixed(D, D)),
    "concat scores": with_scores("concat", fixed(2 * D, 7), fixed(7)),
    "additive scores": with_scores("additive", fixed(D, 7), fixed(D, 7), fixed(7), fixed(7)),
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
@pytest.mark.parametrize("soft_cap", [None, 3.0])
def test_a_bias_may_hold_anything_where_it_is_blocked(soft_cap, bad):
    q, k, v, dout = drawn()
    mask = np.random.default_rng(4).random((B, H, T, T)) > 0.4
    results = []
    for number in (0.0, bad):
        bias = np.where(mask, np.random.default_rng(5).standard_normal(mask.shape), number)
        with np.errstate(all="ignore"):
            out, cache = attention_forward(q, k, v, mask, bias=bias, soft_cap=soft_cap)
            grads = attention_backward_steps(dout, cache)
        results.append((out, grads.dq, grads.dk, grads.dv, grads.dbias))
    for clean, odd in zip(*results, strict=True):
        np.testing.assert_array_equal(odd, clean)


@pytest.mark.parametrize("bad", [*BAD, 2.0])
@pytest.mark.parametrize("buckets", [None, np.random.default_rng(8).integers(0, 4, (B, H, 2, T))])
def test_filling_moves_no_token_to_another_slot_of_lsh(buckets, bad):
    """A padded sequence is read like the same one without its filling."""
    _, qk, v, dout = drawn()
    settings = {"n_buckets": 4, "chunk": 2, "n_rounds": 2}
    alone, cache = lsh_attention_forward(
        qk[:, :, :6], v[:, :, :6], **settings, buckets=None if buckets is None else buckets[..., :6]
    )
    grads = lsh_attention_backward(dout[:, :, :6], cache)
    qk[:, :, 6:], v[:, :, 6:] = bad, bad
    with np.errstate(all="ignore"):
        padded, cache = lsh_attention_forward(qk, v, np.arange(T) < 6, **settings, buckets=buckets)
        padded_grads = lsh_attention_backward(dout, cache)
    np.testing.assert_allclose(padded[:, :, :6], alone, rtol=1e-12, atol=1e-14)
    assert not padded[:, :, 6:].any()
    for got, wanted in zip(padded_grads, grads, strict=True):
        np.testing.assert_allclose(got[:, :, :6], wanted, rtol=1e-12, atol=1e-14)
        assert not got[:, :, 6:].any()


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
