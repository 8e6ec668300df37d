"""Cases of tfx/models/bert.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.joined import apart, join
from tfx.gradcheck.cases.nn.segment_input import SEGMENTS
from tfx.gradcheck.cases.sizes import IDS, C, F, H, Rng, S, T, V
from tfx.models.bert import Bert
from tfx.params import Layer

E = 4  # a table narrower than the model


class _AllOutputs(Layer):
    """Shows hidden states and both logits as one vector, as a loss that reads all of them would see them."""

    def __init__(self, model: Bert) -> None:
        self.model = model

    def forward(self, **inputs: Any) -> tuple[Any, Any]:
        output, cache = self.model.forward(**inputs)
        return join(*output), (cache, [part.shape for part in output])

    def backward(self, dy: Any, cache: Any) -> None:
        inner, shapes = cache
        dhidden, dmlm, dnsp = apart(dy, shapes)
        self.model.backward(dmlm, dnsp, inner, dhidden)


def bert(rng: Rng, **settings: Any) -> Problem:
    settings = {"n_layers": 1, "eps": 0.1, **settings}
    model = Bert(V, d_model=C, n_heads=H, d_ff=F, max_len=S, dropout=0.2, **settings)
    fixed = {"segments": SEGMENTS, "lengths": np.array([T, 3])}
    return layer_problem(_AllOutputs(model), rng, {"ids": IDS}, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(Bert, "loss on all outputs, padding, dropout", bert),
    Case(
        Bert,
        "ALBERT: factorised embedding, one block used twice",
        partial(bert, embedding_width=E, shared=True, n_layers=2),
    ),
    Case(Bert, "no positions", partial(bert, positions="none")),
)
