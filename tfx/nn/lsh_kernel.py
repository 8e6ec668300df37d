"""LSH attention as a kernel of nn.MultiHeadAttention (tfx/efficient/lsh_attention.py)."""

from __future__ import annotations

from typing import Any

from tfx.backend import Array, xp_of
from tfx.efficient.lsh_attention import LshAttentionCache, lsh_attention_backward, lsh_attention_forward
from tfx.nn.efficient_attention import check_names
from tfx.params import Layer


class LshKernel(Layer):
    """Owns no parameters.  settings: those of `lsh_attention_forward` (n_buckets, chunk, n_rounds, causal, seed, eps).

    The four arguments in front are what every kernel with a name is given; none of them matters here.

    Reformer makes keys out of the queries ("shared QK"): the keys that come in are not read and get a gradient of
    zeros.  The attention around this kernel has one map for queries and keys, and no other.
    Raises TypeError for an unknown setting or without n_buckets.
    """

    #: Keys are the queries at length 1.
    reads_keys = False

    #: The operation whose settings these are, and how many of its arguments are none.
    takes = (lsh_attention_forward, 4)

    def __init__(
        self, n_heads: Any = None, d_head: Any = None, rng: Any = None, dtype: Any = None, **settings: Any
    ) -> None:
        check_names(*self.takes, settings)
        self.settings = settings

    def forward(
        self, q: Array, k: Array, v: Array, mask: Array | None = None, scale: float | None = None
    ) -> tuple[Array, tuple[LshAttentionCache, tuple[int, ...]]]:
        """q: (..., T, D), k: (..., T, D), not read, v: (..., T, Dv) -> out: (..., T, Dv).

        Raises ValueError where queries and keys are not the same tokens.
        """
        if q.shape != k.shape:
            raise ValueError(f"shared queries and keys are one sequence, not queries {q.shape} and keys {k.shape}")
        out, cache = lsh_attention_forward(q, v, mask, scale, **self.settings)
        return out, (cache, k.shape)

    def backward(self, dout: Array, cache: tuple[LshAttentionCache, tuple[int, ...]]) -> tuple[Array, Array, Array]:
        """dout: (..., T, Dv) -> dq, dk, dv; dk is zero."""
        attention, k_shape = cache
        dq, dv = lsh_attention_backward(dout, attention)
        return dq, xp_of(dout).zeros(k_shape, dtype=dout.dtype), dv
