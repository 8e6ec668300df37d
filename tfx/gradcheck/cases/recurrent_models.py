"""Models before the Transformer: one random direction for each parameter tensor, through attention and time."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import Rng
from tfx.models.recurrent_language import RecurrentLanguageModel
from tfx.models.recurrent_seq2seq import RecurrentSeq2Seq
from tfx.nn.memory_attention import MemoryAttention
from tfx.params import Layer

B, T, S, V, WIDTH_Q, WIDTH, HIDDEN = 2, 5, 7, 8, 3, 4, 6
IDS = np.array([[3, 3, 0, 7, 1], [6, 3, 2, 2, 5]])
SOURCE = np.array([[1, 1, 4, 0, 7, 2, 1], [5, 4, 4, 6, 3, 0, 0]])
LENGTHS = np.array([S, 4])


class _Reading(Layer):
    """Keys prepared, asked, and the weights shown beside the context, as a loss that reads both would see them."""

    def __init__(self, attention: MemoryAttention) -> None:
        self.attention = attention

    def forward(self, q: Any, memory: Any, mask: Any) -> tuple[Any, Any]:
        keys, prepared = self.attention.prepare(memory)
        context, cache = self.attention.forward(q, keys, memory, mask)
        return xp_of(context).concatenate((context, cache.weights), axis=-1), (prepared, cache)

    def backward(self, dy: Any, cache: Any) -> Any:
        prepared, read = cache
        dq, dkeys, dmemory = self.attention.backward(dy[..., :-S], read, dy[..., -S:])
        return dq, dmemory + self.attention.prepare_backward(dkeys, prepared)


def memory_attention(rng: Rng, score: str, width_q: int = WIDTH_Q) -> Problem:
    layer = _Reading(MemoryAttention(score, width_q, WIDTH, rng, HIDDEN))
    inputs = {"q": rng.standard_normal((B, T, width_q)), "memory": rng.standard_normal((B, S, WIDTH))}
    return layer_problem(layer, rng, inputs, {"mask": np.arange(S) < LENGTHS[:, None, None]})


def recurrent_language_model(rng: Rng, **settings: Any) -> Problem:
    model = RecurrentLanguageModel(V, d_model=6, dropout=0.2, **settings)
    return layer_problem(model, rng, {"ids": IDS}, {"lengths": np.array([5, 3])}, dropout_seed=5, directions=1)


def recurrent_seq2seq(rng: Rng, **settings: Any) -> Problem:
    model = RecurrentSeq2Seq(V, d_model=6, dropout=0.2, **settings)
    fixed = {"src_lengths": LENGTHS}
    return layer_problem(model, rng, {"src": SOURCE, "tgt": IDS}, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(MemoryAttention, "additive, padding", partial(memory_attention, score="additive")),
    Case(MemoryAttention, "general, padding", partial(memory_attention, score="general")),
    Case(MemoryAttention, "dot, padding", partial(memory_attention, score="dot", width_q=WIDTH)),
    Case(RecurrentLanguageModel, "lstm, two layers, tied", partial(recurrent_language_model, n_layers=2)),
    Case(RecurrentLanguageModel, "gru, own output", partial(recurrent_language_model, cell="gru", tied=False)),
    Case(RecurrentLanguageModel, "rnn, tied", partial(recurrent_language_model, cell="rnn")),
    Case(RecurrentSeq2Seq, "one vector, gru", partial(recurrent_seq2seq, attention="none")),
    Case(RecurrentSeq2Seq, "additive, gru", partial(recurrent_seq2seq, attention="additive")),
    Case(RecurrentSeq2Seq, "dot, rnn", partial(recurrent_seq2seq, attention="dot", cell="rnn")),
    Case(
        RecurrentSeq2Seq,
        "general, lstm, two vocabularies, own output",
        partial(recurrent_seq2seq, attention="general", cell="lstm", tgt_vocab=9, tied=False),
    ),
)
