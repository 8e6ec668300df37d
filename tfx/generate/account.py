"""What a model thought of each token of a text: its probability, its rank, and what shaping left of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.generate.choose_reader import reader_of
from tfx.generate.shaping import Shaping, probabilities_of
from tfx.ops.basics.embedding import check_ids


class TokenAccount(NamedTuple):
    """One token of a text.

    probability: the model's own; shaped: after shaping.  rank: 1 for the most likely.  kept: how many tokens shaping
    left to choose from.  likeliest: the id that the model held most likely.
    """

    id: int
    probability: float
    shaped: float
    rank: int
    kept: int
    likeliest: int


def account(
    model: Any, prompt: Sequence[int] | np.ndarray, ids: Sequence[int] | np.ndarray, shaping: Shaping | None = None
) -> list[TokenAccount]:
    """prompt: (T,), ids: (n,) -> an account of each of ids, read one token at a time, as they were written."""
    shaping, reader = shaping or Shaping(), reader_of(model)
    reader.begin(1)
    text, new, found = [int(token) for token in prompt], np.asarray(prompt)[None, :], []
    for token in (whole_number("an id", token) for token in ids):
        logits = reader.read(new, 1)[:, -1]
        check_ids(np.array([token]), logits.shape[-1])
        own, shaped = probabilities_of(logits)[0], probabilities_of(shaping(logits, [text]))[0]
        rank = 1 + int((own > own[token]).sum())
        kept = int((shaped > 0).sum())
        found.append(TokenAccount(token, float(own[token]), float(shaped[token]), rank, kept, int(own.argmax())))
        text.append(token)
        new = np.array([[token]])
    return found
