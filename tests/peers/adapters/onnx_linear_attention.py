"""Linear attention as a recurrence: plain, with decay, with the delta rule, or both; heads packed into the width."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.adapters import Skip
from tfx.efficient.fast_weights import fast_weights_forward
from tfx.ops.attention.multi_head import merge_heads, repeat_heads, split_heads

NEEDS_DECAY, NEEDS_BETA = ("gated", "gated_delta"), ("delta", "gated_delta")


def linear_attention(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> tuple[Any, Any]:
    q, k, v, state, decay, beta = (inputs + [None] * 6)[:6]
    if q.dtype.name not in ("float16", "float32", "float64"):
        raise Skip(f"NumPy has no {q.dtype.name}")
    rule = attrs.get("update_rule", "gated_delta")
    for name, given, rules in (("decay", decay, NEEDS_DECAY), ("beta", beta, NEEDS_BETA)):
        if (given is None) == (rule in rules):
            raise ValueError(f"update_rule {rule} and {name} do not go together")
    given_type, state_type = q.dtype, q.dtype if state is None else state.dtype
    if given_type == np.float16:  # the specification sums up in single precision
        q, k, v, state, decay, beta = (x if x is None else x.astype(np.float32) for x in (q, k, v, state, decay, beta))
    n_heads, n_kv_heads = attrs["q_num_heads"], attrs["kv_num_heads"]
    q = split_heads(q, n_heads)
    k, v = (repeat_heads(split_heads(x, n_kv_heads), n_heads) for x in (k, v))
    scale = attrs.get("scale", 0.0) or None
    state = None if state is None else repeat_heads(state, n_heads)
    decay = None if decay is None else repeat_heads(split_heads(decay, n_kv_heads), n_heads)
    beta = None if beta is None else repeat_heads(split_heads(beta, beta.shape[-1]), n_heads)
    out, cache = fast_weights_forward(q, k, v, decay, beta, state, scale=scale)
    last_state = cache.last_state[:, :: n_heads // n_kv_heads]
    return merge_heads(out).astype(given_type), last_state.astype(state_type)


OPS = {"LinearAttention": linear_attention}
