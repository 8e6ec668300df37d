"""Accumulated gradients are the gradients of the whole batch."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.optim import SGD
from tfx.schedule import constant
from tfx.train import (
    LabelledBatch,
    PairBatch,
    accumulated,
    labelling_loss,
    next_token_loss,
    split_rows,
    train,
    translation_loss,
)

SIZE: dict[str, Any] = {"d_model": 8, "n_heads": 2, "d_ff": 8, "n_layers": 1, "dtype": "float64"}
IDS = np.random.default_rng(0).integers(7, size=(5, 6))
LENGTHS = np.array([6, 2, 4, 1, 5])
LOSSES: list[tuple[Any, Any, Any]] = [
    (Encoder, LabelledBatch(IDS, IDS[:, ::-1].copy(), LENGTHS), labelling_loss(0.1)),
    (Encoder, LabelledBatch(IDS, IDS[:, ::-1].copy()), labelling_loss()),
    (DecoderOnly, IDS, next_token_loss()),
    (EncoderDecoder, PairBatch(IDS, IDS, LENGTHS, np.maximum(LENGTHS, 2)), translation_loss()),
]


def gradients(model: Any, batch: Any, loss: Any) -> tuple[Any, np.ndarray]:
    model.zero_grad()
    value = loss(model, batch, np.random.default_rng(0))
    return value, np.concatenate([p.grad.reshape(-1) for p in model.parameters().values()])


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 9])
@pytest.mark.parametrize(("kind", "batch", "loss"), LOSSES)
def test_parts_of_any_size_give_the_gradient_of_the_whole(kind, batch, loss, rows):
    model = kind(7, **SIZE)
    want, whole = gradients(model, batch, loss)
    have, parts = gradients(model, batch, accumulated(loss, rows))
    assert have.tokens == want.tokens and have.loss == pytest.approx(want.loss, rel=1e-13)
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-12 * abs(whole).max())


def test_the_plain_mean_of_the_parts_is_another_gradient_where_their_tokens_differ():
    kind, batch, loss = LOSSES[0]
    model = kind(7, **SIZE)
    _, whole = gradients(model, batch, loss)
    plain = np.mean([gradients(model, part, loss)[1] for part in split_rows(batch, 1)], axis=0)
    assert abs(plain - whole).max() > 0.05 * abs(whole).max()


def test_what_was_in_the_gradient_stays_as_with_any_backward():
    kind, batch, loss = LOSSES[0]
    model = kind(7, **SIZE)
    _, whole = gradients(model, batch, accumulated(loss, 2))
    accumulated(loss, 2)(model, batch, np.random.default_rng(0))
    twice = np.concatenate([p.grad.reshape(-1) for p in model.parameters().values()])
    np.testing.assert_allclose(twice, 2 * whole, rtol=0, atol=1e-13)


def test_a_run_in_parts_is_the_run_in_whole_batches():
    ends = []
    for loss in (next_token_loss(), accumulated(next_token_loss(), 2)):
        model = DecoderOnly(7, **SIZE)
        optimizer = SGD(model, momentum=0.9)  # Adam would make 0.01 out of a rounding error of 1e-17
        batches = lambda rng: rng.integers(7, size=(5, 6))  # noqa: E731
        list(train(model, batches, loss, optimizer, partial(constant, learning_rate=0.01), 5))
        ends.append(optimizer.parameters.value.copy())
    np.testing.assert_allclose(ends[1], ends[0], rtol=0, atol=1e-12)


def test_any_function_can_cut_a_batch():
    halves = lambda batch: iter((batch[:1], batch[1:]))  # noqa: E731
    model = DecoderOnly(7, **SIZE)
    want, have = (
        gradients(model, IDS, loss)[1] for loss in (next_token_loss(), accumulated(next_token_loss(), halves))
    )
    np.testing.assert_allclose(have, want, rtol=0, atol=1e-13)


def test_parts_cover_every_row_once():
    batch = LabelledBatch(IDS, IDS, None)
    parts = list(split_rows(batch, 2))
    assert [len(part.ids) for part in parts] == [2, 2, 1] and parts[0].lengths is None
    np.testing.assert_array_equal(np.concatenate([part.ids for part in parts]), IDS)


@pytest.mark.parametrize("batch", [IDS[:0], (IDS, IDS[:2])])
def test_a_batch_without_rows_or_with_two_counts_is_refused(batch):
    with pytest.raises(ValueError, match="one number of rows"):
        list(split_rows(batch, 2))
    with pytest.raises(ValueError, match="at least one row"):
        list(split_rows(IDS, 0))
