"""Cases of tfx/models/encoder.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.models.sizes import SCHEMES, SIZES
from tfx.gradcheck.cases.sizes import IDS, Rng, V
from tfx.models.encoder import Encoder


def encoder(rng: Rng, **settings: Any) -> Problem:
    fixed = {"lengths": np.array([5, 3])}
    return layer_problem(Encoder(V, **{**SIZES, **settings}), rng, {"ids": IDS}, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(Encoder, "pre-LN, tied, padding, dropout", encoder),
    Case(
        Encoder,
        "post-LN, learned positions, own output",
        partial(encoder, norm_place="post", positions="learned", tied=False),
    ),
    *(Case(Encoder, f"{positions} positions", partial(encoder, positions=positions)) for positions in SCHEMES),
)
