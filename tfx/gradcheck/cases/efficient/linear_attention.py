"""Cases of tfx/efficient/linear_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.linear_attention import (
    feature_attention_backward,
    feature_attention_forward,
    linear_attention_backward,
    linear_attention_forward,
)
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, PADDED, B, D, H, Rng, S, T, heads, off_zero
from tfx.ops.attention.masks import causal_mask, combine_masks, padding_mask


def linear_attention(rng: Rng, n_queries: int = T, n_keys: int = S, **fixed: Any) -> Problem:
    inputs = heads(rng, n_queries, n_keys)
    if fixed.get("feature_map") == "relu":
        inputs |= {"q": off_zero(inputs["q"]), "k": off_zero(inputs["k"])}
    return Problem(linear_attention_forward, linear_attention_backward, inputs, fixed)


def linear_attention_causal_padded(rng: Rng) -> Problem:
    mask = combine_masks(causal_mask(T, S, S - T), padding_mask([S, 3], S))
    return linear_attention(rng, mask=mask, causal=True, chunk=2)


def linear_attention_after_earlier_tokens(rng: Rng) -> Problem:
    state = rng.random((B, H, D, DV + 1))
    return linear_attention(rng, T, T, causal=True, chunk=3, state=state)


def feature_attention(rng: Rng, **fixed: Any) -> Problem:
    inputs = heads(rng, lead_kv=(B, 1))
    features = {"q": 0.1 + rng.random(inputs["q"].shape), "k": 0.1 + rng.random(inputs["k"].shape)}
    return Problem(feature_attention_forward, feature_attention_backward, inputs | features, fixed)


CASES: tuple[Case, ...] = (
    Case(linear_attention_backward, "plain", linear_attention),
    Case(linear_attention_backward, "padded, scaled", lambda rng: linear_attention(rng, mask=PADDED, scale=0.7)),
    Case(linear_attention_backward, "causal, padded", linear_attention_causal_padded),
    Case(linear_attention_backward, "more queries than keys", lambda rng: linear_attention(rng, S, T, causal=True)),
    Case(linear_attention_backward, "after earlier tokens", linear_attention_after_earlier_tokens),
    Case(linear_attention_backward, "relu", lambda rng: linear_attention(rng, feature_map="relu")),
    Case(linear_attention_backward, "softplus", lambda rng: linear_attention(rng, feature_map="softplus")),
    Case(feature_attention_backward, "keys for all heads", feature_attention),
    Case(feature_attention_backward, "causal, padded", lambda rng: feature_attention(rng, causal=True, mask=PADDED)),
)
