"""Exact attention in pieces, and a kernel inside multi-head attention."""

from __future__ import annotations

from typing import Any

from tfx.efficient.memory_efficient_attention import (
    MemoryEfficientAttentionCache,
    memory_efficient_attention_backward,
    memory_efficient_attention_forward,
)
from tfx.efficient.tiled_attention import TiledAttentionCache, tiled_attention_backward, tiled_attention_forward
from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import DV, B, C, D, H, Rng, S, T, some_allowed
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.efficient_attention import OperationKernel
from tfx.ops.attention.masks import causal_mask, padding_mask


def heads(rng: Rng, n_queries: int = T, n_keys: int = S, lead_kv: tuple[int, ...] = (B, H)) -> dict[str, Any]:
    """q: (B, H, T, D), k: (..., S, D), v: (..., S, Dv)."""
    return {
        "q": rng.standard_normal((B, H, n_queries, D)),
        "k": rng.standard_normal((*lead_kv, n_keys, D)),
        "v": rng.standard_normal((*lead_kv, n_keys, DV)),
    }


def tiled(rng: Rng, lead_kv: tuple[int, ...] = (B, H), **settings: Any) -> Problem:
    inputs = heads(rng, lead_kv=lead_kv)
    return Problem(tiled_attention_forward, tiled_attention_backward, inputs, {"block_q": 2, "block_k": 3, **settings})


def tiled_masked(rng: Rng, **settings: Any) -> Problem:
    mask = some_allowed(rng, (B, H, T, S))
    mask[0, 1, 2] = False
    return tiled(rng, mask=mask, **settings)


def memory_efficient(rng: Rng, lead_kv: tuple[int, ...] = (B, H), **settings: Any) -> Problem:
    inputs = heads(rng, lead_kv=lead_kv)
    forward, backward = memory_efficient_attention_forward, memory_efficient_attention_backward
    return Problem(forward, backward, inputs, {"chunk": 2, **settings})


def memory_efficient_masked(rng: Rng, **settings: Any) -> Problem:
    return memory_efficient(rng, mask=tiled_masked(rng).fixed["mask"], **settings)


def operation_kernel(rng: Rng) -> Problem:
    kernel = OperationKernel(tiled_attention_forward, tiled_attention_backward, block_q=3, block_k=2)
    return layer_problem(kernel, rng, heads(rng), {"mask": padding_mask([S, 4], S)})


def multi_head_with_kernel(rng: Rng) -> Problem:
    """Grouped heads, so that the gradients of shared keys are summed behind the kernel too."""
    kernel = {"name": "tiled", "block_q": 2, "block_k": 3, "causal": True}
    layer = MultiHeadAttention(C, 4, rng, kernel=kernel, n_kv_heads=2, d_head=D)
    return layer_problem(layer, rng, {"x_q": rng.standard_normal((B, T, C))}, {"mask": causal_mask(T)}, sums=True)


def tiled_without_the_row_sum(dout: Any, cache: TiledAttentionCache) -> Any:
    """D = 0: what is left when one forgets that every weight of a row depends on every score of it."""
    return tiled_attention_backward(dout, cache._replace(out=0 * cache.out))


def tiled_with_the_maximum_for_the_logsumexp(dout: Any, cache: TiledAttentionCache) -> Any:
    """The sum of exponentials left out of L: weights that do not sum to 1."""
    return tiled_attention_backward(dout, cache._replace(logsumexp=cache.logsumexp - 0.1))


def memory_efficient_with_the_last_chunk_only(dout: Any, cache: MemoryEfficientAttentionCache) -> Any:
    """Keys and values get the gradient of one chunk instead of the sum over all."""
    dq, _, _ = memory_efficient_attention_backward(dout, cache)
    last = cache._replace(q=cache.q[..., -2:, :])
    return (dq, *memory_efficient_attention_backward(dout[..., -2:, :], last)[1:])


CASES = (
    Case(tiled_attention_backward, "plain", tiled),
    Case(tiled_attention_backward, "one tile", lambda rng: tiled(rng, block_q=T, block_k=S)),
    Case(tiled_attention_backward, "tiles of one", lambda rng: tiled(rng, block_q=1, block_k=1)),
    Case(tiled_attention_backward, "random mask, blocked row", tiled_masked),
    Case(tiled_attention_backward, "causal and masked", lambda rng: tiled_masked(rng, causal=True)),
    Case(tiled_attention_backward, "dropout", lambda rng: tiled_masked(rng, rate=0.3, seed=5)),
    Case(tiled_attention_backward, "keys and values for all heads", lambda rng: tiled(rng, lead_kv=(B, 1), scale=0.9)),
    Case(memory_efficient_attention_backward, "plain", memory_efficient),
    Case(memory_efficient_attention_backward, "random mask, blocked row", memory_efficient_masked),
    Case(memory_efficient_attention_backward, "causal", lambda rng: memory_efficient_masked(rng, causal=True)),
    Case(memory_efficient_attention_backward, "kept", lambda rng: memory_efficient(rng, causal=True, keep=True)),
    Case(
        memory_efficient_attention_backward, "keys for all heads", lambda rng: memory_efficient(rng, (B, 1), scale=2.0)
    ),
    Case(OperationKernel, "tiled", operation_kernel),
    Case(MultiHeadAttention, "tiled kernel", multi_head_with_kernel),
)

CONTROLS = (
    Control("tiled_attention", "without the row sum D", tiled_without_the_row_sum, tiled),
    Control("tiled_attention", "wrong log-sum-exp", tiled_with_the_maximum_for_the_logsumexp, tiled),
    Control(
        "memory_efficient_attention", "one chunk only", memory_efficient_with_the_last_chunk_only, memory_efficient
    ),
)
