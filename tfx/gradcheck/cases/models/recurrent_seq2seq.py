"""Cases of tfx/models/recurrent_seq2seq.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import IDS, SOURCE, Rng, S, V
from tfx.models.recurrent_seq2seq import RecurrentSeq2Seq

LENGTHS = np.array([S, 4])


def recurrent_seq2seq(rng: Rng, **settings: Any) -> Problem:
    model = RecurrentSeq2Seq(V, d_model=6, dropout=0.2, **settings)
    fixed = {"src_lengths": LENGTHS}
    return layer_problem(model, rng, {"src": SOURCE, "tgt": IDS}, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(RecurrentSeq2Seq, "one vector, gru", partial(recurrent_seq2seq, attention="none")),
    Case(RecurrentSeq2Seq, "additive, gru", partial(recurrent_seq2seq, attention="additive")),
    Case(RecurrentSeq2Seq, "dot, rnn", partial(recurrent_seq2seq, attention="dot", cell="rnn")),
    Case(
        RecurrentSeq2Seq,
        "general, lstm, two vocabularies, own output",
        partial(recurrent_seq2seq, attention="general", cell="lstm", tgt_vocab=9, tied=False),
    ),
)
