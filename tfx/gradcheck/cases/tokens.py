"""What happens to tokens at the ends of a model: embedding, dropout, tied logits."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T, V
from tfx.ops.basics.dropout import DropoutCache, dropout_backward, dropout_forward, dropout_mask
from tfx.ops.basics.embedding import (
    EmbeddingCache,
    TiedLogitsCache,
    embedding_backward,
    embedding_forward,
    tied_logits_backward,
    tied_logits_forward,
)
from tfx.ops.basics.where import WhereCache, where_backward, where_forward


def dropout(rng: Rng, rate: float | None = 0.4, shape: tuple[int, ...] = (B, T, C)) -> Problem:
    multiplier = None if rate is None else dropout_mask(shape, rate, rng)
    x = rng.standard_normal((B, T, C))
    return Problem(dropout_forward, dropout_backward, {"x": x}, {"multiplier": multiplier})


def embedding(rng: Rng, repeated: bool = False) -> Problem:
    ids = np.array([[3, 3, 0], [3, 1, 3]]) if repeated else rng.permutation(V)[: B * 3].reshape(B, 3)
    return Problem(embedding_forward, embedding_backward, {"table": rng.standard_normal((V, C))}, {"ids": ids})


def tied_logits(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "table": rng.standard_normal((V, C))}
    return Problem(tied_logits_forward, tied_logits_backward, inputs)


def where(rng: Rng, x: tuple[int, ...] = (B, T, C), other: tuple[int, ...] = (B, T, C)) -> Problem:
    inputs = {"x": rng.standard_normal(x), "other": rng.standard_normal(other)}
    return Problem(where_forward, where_backward, inputs, {"mask": rng.random((T, C)) < 0.6})


def where_chosen_by_nobody(dy: Any, cache: WhereCache) -> Any:
    """Both get the whole gradient, as if y were their sum."""
    _, x, other = cache
    return dy.reshape(x.shape), dy.reshape(other.shape)


def dropout_not_rescaled(dy: Any, cache: DropoutCache) -> Any:
    return dy * (np.asarray(cache.multiplier) > 0)


def embedding_overwrites(dy: Any, cache: EmbeddingCache) -> Any:
    dtable = np.zeros_like(cache.table)
    dtable[cache.ids] = dy
    return dtable


def tied_logits_last_sequence_only(dlogits: Any, cache: TiedLogitsCache) -> Any:
    dx, _ = tied_logits_backward(dlogits, cache)
    return dx, dlogits[-1].T @ cache.x[-1]


CASES: tuple[Case, ...] = (
    Case(dropout_backward, "rate 0.4", dropout),
    Case(dropout_backward, "one mask for the batch", partial(dropout, shape=(1, T, C))),
    Case(dropout_backward, "evaluation", partial(dropout, rate=None)),
    Case(embedding_backward, "different ids", embedding),
    Case(embedding_backward, "one id four times", partial(embedding, repeated=True)),
    Case(tied_logits_backward, "batch of sequences", tied_logits),
    Case(where_backward, "equal shapes", where),
    Case(where_backward, "both stretched", partial(where, x=(B, 1, C), other=(T, 1))),
)

CONTROLS: tuple[Control, ...] = (
    Control("dropout", "kept numbers are not scaled", dropout_not_rescaled, dropout),
    Control("embedding", "a repeated id overwrites", embedding_overwrites, partial(embedding, repeated=True)),
    Control("tied_logits", "only the last sequence counts", tied_logits_last_sequence_only, tied_logits),
    Control("where", "both are taken to be chosen", where_chosen_by_nobody, where),
)
