"""Cases of tfx/models/deep_supervision.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.models.deep_supervision import DeepSupervision
from tfx.models.encoder import Encoder


def deep_supervision(rng: Rng, tied: bool) -> Problem:
    encoder = Encoder(V, 6, 3, 11, 3, 9, tied=tied, dropout=0.2, activation="gelu_tanh")
    ids = rng.integers(V, size=(B, T))
    fixed = {"lengths": np.array([5, 3])}
    return layer_problem(DeepSupervision(encoder, rng), rng, {"ids": ids}, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(DeepSupervision, "three blocks, tied", partial(deep_supervision, tied=True)),
    Case(DeepSupervision, "three blocks, own output", partial(deep_supervision, tied=False)),
)
