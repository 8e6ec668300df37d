"""Cases of tfx/models/seq2seq.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.models.sizes import SCHEMES, SIZES
from tfx.gradcheck.cases.sizes import IDS, SOURCE, Rng, V
from tfx.models.seq2seq import EncoderDecoder


def encoder_decoder(rng: Rng, **settings: Any) -> Problem:
    fixed = {"src_lengths": np.array([7, 4]), "tgt_lengths": np.array([5, 3])}
    model = EncoderDecoder(V, **{**SIZES, **settings})
    return layer_problem(model, rng, {"src": SOURCE, "tgt": IDS}, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    *(
        Case(EncoderDecoder, f"{positions} positions", partial(encoder_decoder, positions=positions))
        for positions in SCHEMES
    ),
    Case(EncoderDecoder, "pre-LN, tied, padding, dropout", encoder_decoder),
    Case(
        EncoderDecoder,
        "post-LN, learned positions, own output",
        partial(encoder_decoder, norm_place="post", positions="learned", tied=False),
    ),
)
