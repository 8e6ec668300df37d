"""Cases of tfx/models/recurrent_language.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import IDS, Rng, V
from tfx.models.recurrent_language import RecurrentLanguageModel


def recurrent_language_model(rng: Rng, **settings: Any) -> Problem:
    model = RecurrentLanguageModel(V, d_model=6, dropout=0.2, **settings)
    return layer_problem(model, rng, {"ids": IDS}, {"lengths": np.array([5, 3])}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(RecurrentLanguageModel, "lstm, two layers, tied", partial(recurrent_language_model, n_layers=2)),
    Case(RecurrentLanguageModel, "gru, own output", partial(recurrent_language_model, cell="gru", tied=False)),
    Case(RecurrentLanguageModel, "rnn, tied", partial(recurrent_language_model, cell="rnn")),
)
