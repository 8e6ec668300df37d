"""Cases of tfx/nn/memory_attention.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng, S, T
from tfx.nn.memory_attention import MemoryAttention
from tfx.params import Layer

WIDTH_Q, WIDTH, HIDDEN = 3, 4, 6
LENGTHS = np.array([S, 4])


class _Reading(Layer):
    """Keys prepared, asked, and the weights shown beside the context, as a loss that reads both would see them."""

    def __init__(self, attention: MemoryAttention) -> None:
        self.attention = attention

    def forward(self, q: Any, memory: Any, mask: Any) -> tuple[Any, Any]:
        keys, prepared = self.attention.prepare(memory)
        context, cache = self.attention.forward(q, keys, memory, mask)
        return xp_of(context).concatenate((context, cache.weights), axis=-1), (prepared, cache)

    def backward(self, dy: Any, cache: Any) -> Any:
        prepared, read = cache
        dq, dkeys, dmemory = self.attention.backward(dy[..., :-S], read, dy[..., -S:])
        return dq, dmemory + self.attention.prepare_backward(dkeys, prepared)


def memory_attention(rng: Rng, score: str, width_q: int = WIDTH_Q) -> Problem:
    layer = _Reading(MemoryAttention(score, width_q, WIDTH, rng, HIDDEN))
    inputs = {"q": rng.standard_normal((B, T, width_q)), "memory": rng.standard_normal((B, S, WIDTH))}
    return layer_problem(layer, rng, inputs, {"mask": np.arange(S) < LENGTHS[:, None, None]})


CASES: tuple[Case, ...] = (
    Case(MemoryAttention, "additive, padding", partial(memory_attention, score="additive")),
    Case(MemoryAttention, "general, padding", partial(memory_attention, score="general")),
    Case(MemoryAttention, "dot, padding", partial(memory_attention, score="dot", width_q=WIDTH)),
)
