"""Cases of tfx/models/t5.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import IDS, SOURCE, Rng, V
from tfx.models.t5 import T5


def t5(rng: Rng, **settings: Any) -> Problem:
    fixed = {"src_lengths": np.array([7, 4]), "tgt_lengths": np.array([5, 3])}
    model = T5(V, 6, 3, 11, 2, 4, dropout=0.2, **settings)
    model.embedding.table.value *= 6.0  # RMSNorm bends too sharply near 0 for numeric derivatives
    return layer_problem(model, rng, {"src": SOURCE, "tgt": IDS}, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(T5, "tied, ReLU replaced by GELU", partial(t5, activation="gelu_tanh")),
    Case(T5, "version 1.1: gated, own output", partial(t5, activation="geglu_tanh", tied=False)),
)
