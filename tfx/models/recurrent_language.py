"""RecurrentLanguageModel: a language model with a state of fixed size instead of a look back at every token.

    x = dropout(embedding(ids) sqrt(C))                    (B, T) -> (B, T, C)
    hidden = RNN, LSTM or GRU (x)                          one step after the other; a state carries the past
    logits = dropout(hidden) W + b, or hidden E^T when tied    logits[:, t] are about the token at t + 1

The state after some tokens is all that the model knows of them: handed to the next call it continues exactly, whatever
the pieces are.  Memory per token written stays constant; the price is that everything has to fit into the state.
Sources: Mikolov et al. 2010, "Recurrent neural network based language model"; Zaremba, Sutskever and Vinyals 2014.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.models.model import Model, buildable
from tfx.models.settings import Vocabulary
from tfx.nn.dropout import Dropout
from tfx.nn.embedding import Embedding, ScaledEmbeddingCache
from tfx.nn.recurrent import Recurrent, RecurrentCache
from tfx.nn.settings import size
from tfx.nn.token_output import TokenOutput
from tfx.ops.basics.dropout import DropoutCache
from tfx.ops.basics.embedding import TiedLogitsCache, check_rows_of_ids
from tfx.ops.basics.linear import LinearCache
from tfx.ops.recurrence.through_time import State


class RecurrentLanguageModelCache(NamedTuple):
    embedding: ScaledEmbeddingCache
    dropped_input: DropoutCache
    recurrent: RecurrentCache
    dropped_hidden: DropoutCache
    output: TiedLogitsCache | LinearCache

    @property
    def last(self) -> State:
        """The state after the last token; `forward` takes it as `state`."""
        return self.recurrent.last


@dataclass(frozen=True)
class RecurrentLanguageSettings(Vocabulary):
    """cell: "rnn", "lstm" or "gru".  tied: the output shares the embedding.  dropout: on the embedded tokens, between
    layers and on the last hidden states, never along time.
    """

    d_model: int = size(64)
    n_layers: int = size(1, 0)
    cell: str = "lstm"
    _: KW_ONLY
    tied: bool = True
    dropout: float = 0.0
    seed: int = size(0, 0)
    dtype: str = "float32"


@buildable
class RecurrentLanguageModel(Model):
    """Settings as in RecurrentLanguageSettings."""

    settings_type = RecurrentLanguageSettings
    remembers, batch_axis = "state", 1

    def make(self, settings: RecurrentLanguageSettings, rng: np.random.Generator) -> None:
        width, dropout, dtype = settings.d_model, settings.dropout, settings.dtype
        self.embedding = Embedding(settings.vocab, width, rng, dtype)
        self.recurrent = Recurrent(settings.cell, width, width, rng, settings.n_layers, dropout=dropout, dtype=dtype)
        self.output = TokenOutput(self.embedding, settings.vocab, settings.tied, rng, dtype)
        self.dropout = Dropout(dropout)

    def forward(
        self, ids: Array, lengths: Array | None = None, state: State | None = None, rng: Any = None
    ) -> tuple[Array, RecurrentLanguageModelCache]:
        """ids: (B, T) integers -> logits: (B, T, V).

        lengths: (B,) real tokens in each row; cache.last is then the state at each row's own end.  state: where an
        earlier piece ended, zeros unless given.  rng: dropout in training, None in evaluation.
        """
        check_rows_of_ids(ids)
        embedded, embedding = self.embedding.forward(ids)
        x, dropped_input = self.dropout.forward(embedded, rng)
        y, recurrent = self.recurrent.forward(x, state, lengths, rng)
        hidden, dropped_hidden = self.dropout.forward(y, rng)
        logits, output = self.output.forward(hidden)
        return logits, RecurrentLanguageModelCache(embedding, dropped_input, recurrent, dropped_hidden, output)

    def step(self, ids: Array, state: State | None) -> tuple[Array, State]:
        """The next ids: (B, T) -> logits: (B, T, V), and the hidden state, with the cell's where there is one."""
        logits, cache = self.forward(ids, state=state)
        return logits, cache.last

    def backward(self, dlogits: Array, cache: RecurrentLanguageModelCache) -> None:
        """dlogits: (B, T, V).  Adds to the gradient of every parameter.

        The gradient stops at the first token of this piece: handing over a state cuts backpropagation through time.
        """
        dhidden = self.output.backward(dlogits, cache.output)  # logits = output(hidden)
        dy = self.dropout.backward(dhidden, cache.dropped_hidden)  # hidden = dropout(y)
        dx, _ = self.recurrent.backward(dy, cache.recurrent)  # y = recurrent(x)
        dembedded = self.dropout.backward(dx, cache.dropped_input)  # x = dropout(embedded)
        self.embedding.backward(dembedded, cache.embedding)  # embedded = embedding(ids)
