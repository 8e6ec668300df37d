"""Known mistakes in tfx/efficient/memory_efficient_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.memory_efficient_attention import MemoryEfficientAttentionCache, memory_efficient_attention_backward
from tfx.gradcheck.cases.efficient.memory_efficient_attention import memory_efficient
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(memory_efficient, op="memory_efficient_attention")
def last_chunk_only(dout: Any, cache: MemoryEfficientAttentionCache) -> Any:
    """One chunk only.

    Keys and values get the gradient of one chunk instead of the sum over all.

    Why: Inside the loop over chunks of queries the gradient of keys is assigned and not accumulated.
    Hint: How many chunks of queries read each key?
    """
    dq, _, _ = memory_efficient_attention_backward(dout, cache)
    last = cache._replace(q=cache.q[..., -2:, :])
    return (dq, *memory_efficient_attention_backward(dout[..., -2:, :], last)[1:])
