"""Cases of tfx/tuning/features.py."""

from __future__ import annotations

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C
from tfx.gradcheck.cases.sizes import IDS, F, H, Rng, V
from tfx.models.encoder import Encoder
from tfx.tuning.features import OnFeatures


def on_features(rng: Rng) -> Problem:
    model = Encoder(V, C, H, F, 1, dtype="float64")
    return layer_problem(OnFeatures(model, C, 3, rng), rng, {"ids": IDS}, {"lengths": np.array([5, 3])})


CASES: tuple[Case, ...] = (Case(OnFeatures, "the gradient stops at the features", on_features),)
