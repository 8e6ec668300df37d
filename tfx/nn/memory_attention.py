"""Reading a memory: a decoder's state asks, the encoder's outputs answer (attention before the Transformer).

    scores  = score(q, memory)                 additive, dot or general
    weights = softmax(scores)                  over the real places of the memory
    context = weights memory                   keys and values are the same vectors here

A decoder asks once for every word and the memory stays the same, so what the score needs of the memory alone is made
once: keys, cache = prepare(memory).  The memory is used twice, as keys and as values: two gradients.
Sources: Bahdanau, Cho and Bengio 2015, section 3.1; Luong, Pham and Manning 2015, section 3.1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.nn.init import Rng, xavier_uniform
from tfx.ops.attention.attend import AttendCache, attend_backward, attend_forward
from tfx.ops.attention.general_scores import SCORES
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward
from tfx.params import Layer, Parameter

MEMORY_SCORES = ("additive", "dot", "general")


class MemoryAttentionCache(NamedTuple):
    scores: Any
    attend: AttendCache

    @property
    def weights(self) -> Array:
        """(B, T, S)."""
        return self.attend.weights


class MemoryAttention(Layer):
    """score: "additive" owns w_q: (Cq, A), w_k: (C, A), b: (A,), v: (A,), with A = hidden, Cq unless given; "general"
    owns w: (Cq, C); "dot" owns nothing and needs Cq = C.  Raises ValueError for another score or widths that differ.
    """

    def __init__(
        self, score: str, width_q: int, width: int, rng: Rng, hidden: int | None = None, dtype: Any = "float32"
    ) -> None:
        if score not in MEMORY_SCORES:
            raise ValueError(f"score must be one of {', '.join(MEMORY_SCORES)}, not {score!r}")
        if score == "dot" and width_q != width:
            raise ValueError(f"a dot product needs equal widths, but queries have {width_q} and the memory {width}")
        self.score = score
        self.w_k: Parameter | None = None
        if score == "general":
            self.w = Parameter(xavier_uniform(rng, width_q, width, dtype))
        if score == "additive":
            hidden = width_q if hidden is None else whole_number("hidden", hidden, 1)
            self.w_k = Parameter(xavier_uniform(rng, width, hidden, dtype))
            self.w_q = Parameter(xavier_uniform(rng, width_q, hidden, dtype))
            self.b = Parameter(np.zeros(hidden, dtype=dtype))
            self.v = Parameter(xavier_uniform(rng, hidden, 1, dtype)[:, 0])

    def prepare(self, memory: Array) -> tuple[Array, LinearCache | None]:
        """memory: (B, S, C) -> keys: (B, S, A) for the additive score, the memory itself for the others."""
        return (memory, None) if self.w_k is None else linear_forward(memory, self.w_k.value)

    def prepare_backward(self, dkeys: Array, cache: LinearCache | None) -> Array:
        """dkeys, summed over all that asked -> dmemory: (B, S, C)."""
        if self.w_k is None or cache is None:
            return dkeys
        dmemory, dw_k, _ = linear_backward(dkeys, cache)  # keys = memory @ w_k
        self.w_k.grad += dw_k
        return dmemory

    def forward(
        self, q: Array, keys: Array, memory: Array, mask: Array | None = None
    ) -> tuple[Array, MemoryAttentionCache]:
        """q: (B, T, Cq), keys of `prepare`, memory: (B, S, C) -> context: (B, T, C).

        mask: boolean, True = may read, broadcastable to (B, T, S).
        """
        given = {name: parameter.value for name, parameter in self._asking().items()}
        if self.score == "additive":
            given["w_k"] = None  # the keys are ready
        scores, scores_cache = SCORES[self.score][0](q, keys, **given)
        context, attend_cache = attend_forward(scores, memory, mask)
        return context, MemoryAttentionCache(scores_cache, attend_cache)

    def backward(
        self, dcontext: Array, cache: MemoryAttentionCache, dweights: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """dcontext: (B, T, C) -> dq: (B, T, Cq), dkeys, dmemory: (B, S, C), the part of the values.

        dweights: (B, T, S), the gradient of a loss that reads the attention weights themselves.
        """
        dscores, dmemory = attend_backward(dcontext, cache.attend, dweights)  # context = softmax(scores) @ memory
        grads = SCORES[self.score][1](dscores, cache.scores)  # scores = score(q, keys)
        for name, parameter in self._asking().items():
            parameter.grad += getattr(grads, f"d{name}")
        return grads.dq, grads.dk, dmemory

    def _asking(self) -> dict[str, Parameter]:
        """The parameters that every question needs: all but w_k."""
        return {name: parameter for name, parameter in self.parameters().items() if name != "w_k"}
