"""Cases of tfx/nn/embedding.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C, sequences
from tfx.gradcheck.cases.sizes import IDS, Rng, V
from tfx.nn.embedding import Embedding
from tfx.params import Layer


class _Logits(Layer):
    """The output side of an embedding, seen as a layer."""

    def __init__(self, embedding: Embedding) -> None:
        self.embedding = embedding

    def forward(self, x: Any) -> tuple[Any, Any]:
        return self.embedding.logits(x)

    def backward(self, dy: Any, cache: Any) -> Any:
        return self.embedding.logits_backward(dy, cache)


def embedding(rng: Rng) -> Problem:
    return layer_problem(Embedding(V, C, rng), rng, {"ids": IDS})


def logits(rng: Rng) -> Problem:
    return layer_problem(_Logits(Embedding(V, C, rng)), rng, {"x": sequences(rng)})


CASES: tuple[Case, ...] = (
    Case(Embedding, "repeated ids", embedding),
    Case(Embedding, "tied logits", logits),
)
