"""Attention: three or four axes, grouped heads, masks of either kind, soft cap, stored keys and values, windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.adapters import Skip
from tfx.ops.attention.key_value import KeyValue
from tfx.ops.attention.masks import combine_masks, padding_mask, window_mask
from tfx.ops.attention.multi_head import merge_heads, repeat_heads, split_heads
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_forward, attention_scores

RAW, SOFT_CAPPED, WITH_BIAS, WEIGHTS = range(4)  # what the fourth output shows: qk_matmul_output_mode


def attention(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> tuple[Any, ...]:
    q, k, v, given_mask, past_k, past_v, lengths = (inputs + [None] * 7)[:7]
    if q.dtype.name not in _ONNX_TYPES:
        raise Skip(f"NumPy has no {q.dtype.name}")
    if attrs.get("softmax_precision", 0) > _ONNX_TYPES[q.dtype.name]:
        raise Skip("the softmax is computed in the precision of its input, not in a higher one")
    flat = q.ndim == 3
    if flat:
        n_heads, n_kv_heads = attrs["q_num_heads"], attrs["kv_num_heads"]
        q, k, v = split_heads(q, n_heads), split_heads(k, n_kv_heads), split_heads(v, n_kv_heads)
    present = KeyValue(k, v)
    if past_k is not None:
        present = KeyValue(past_k, past_v).followed_by(present)
    n_queries, n_heads = q.shape[-2], q.shape[-3]
    before = _before(n_queries, past_k, lengths)
    bias, mask = _bias_and_mask(given_mask, present.length)
    if attrs.get("is_causal"):
        mask = combine_masks(mask, _for_each(before, n_queries, present.length, {"left": None, "right": 0}))
    left, right = (attrs.get(f"{side}_window_size", -1) for side in ("left", "right"))
    if max(left, right) >= 0:
        sides = {"left": None if left < 0 else left, "right": None if right < 0 else right}
        mask = combine_masks(mask, _for_each(before, n_queries, present.length, sides))
    if lengths is not None:
        mask = combine_masks(mask, padding_mask(lengths, present.length))
    keys, values = repeat_heads(present.k, n_heads), repeat_heads(present.v, n_heads)
    soft_cap = attrs.get("softcap", 0.0) or None
    settings = {"scale": attrs.get("scale"), "soft_cap": soft_cap, "bias": bias}
    out, cache = attention_forward(q, keys, values, mask, **settings)
    shown = None
    if ctx["n_outputs"] > 3:
        shown = _shown(attrs.get("qk_matmul_output_mode", RAW), q, keys, settings, mask, cache)
    return merge_heads(out) if flat else out, present.k, present.v, shown


def _before(n_queries: int, past_k: Any, lengths: Any) -> list[int]:
    """How many keys come before the first query: for all sequences, or for each when the cache was filled outside."""
    if past_k is not None:
        return [past_k.shape[-2]]
    if lengths is not None:
        return [int(length) - n_queries for length in lengths]
    return [0]


def _for_each(before: list[int], n_queries: int, n_keys: int, sides: dict[str, Any]) -> Any:
    """A window mask (T, S), or (B, 1, T, S) when the number of earlier keys differs from sequence to sequence."""
    if min(before) < 0:
        raise Skip("more queries than keys in a cache: the first queries would stand before the first key")
    masks = [window_mask(n_queries, n_keys, past=past, **sides) for past in before]
    return masks[0] if len(masks) == 1 else np.stack(masks)[:, None]


def _bias_and_mask(given: Any, n_keys: int) -> tuple[Any, Any]:
    """A mask of numbers is a bias; what it does not cover at the end is blocked."""
    if given is None:
        return None, None
    missing = [(0, 0)] * (given.ndim - 1) + [(0, n_keys - given.shape[-1])]
    if given.dtype == bool:
        return None, np.pad(given, missing, constant_values=False)
    return np.pad(given, missing, constant_values=-np.inf), None


def _shown(mode: int, q: Any, k: Any, settings: dict[str, Any], mask: Any, cache: AttentionCache) -> Any:
    """The scores at one stage on their way to the weights."""
    if mode == WEIGHTS:
        return cache.weights
    soft_cap = None if mode == RAW else settings["soft_cap"]
    scores, _ = attention_scores(q, k, cache.scale, settings["bias"] if mode == WITH_BIAS else None, soft_cap)
    return scores if mode != WITH_BIAS or mask is None else np.where(mask, scores, -np.inf).astype(scores.dtype)


#: Types that NumPy has, and their numbers in an ONNX file.
_ONNX_TYPES = {"float32": 1, "float16": 10, "float64": 11}


OPS = {"Attention": attention}
