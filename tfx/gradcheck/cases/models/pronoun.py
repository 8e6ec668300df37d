"""Cases of tfx/models/pronoun.py."""

from __future__ import annotations

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.encoder_block import WithWeights
from tfx.gradcheck.cases.sizes import IDS, Rng, V
from tfx.models.pronoun import PronounModel

IT = np.array([4, 2])


def pronoun_model(rng: Rng) -> Problem:
    model = PronounModel(V, d_model=6, n_heads=3, d_ff=11, activation="gelu_tanh")
    layer = WithWeights(model, lambda cache: cache.attention(1))
    return layer_problem(layer, rng, {"ids": IDS}, {"it": IT, "lengths": np.array([5, 4])}, directions=1)


CASES: tuple[Case, ...] = (Case(PronounModel, "loss on the weights too", pronoun_model),)
