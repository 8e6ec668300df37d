"""Every norm trains the same small encoder; what batch statistics have learned stands in for them in evaluation."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tfx.models import Encoder
from tfx.nn.normalisation import NORMS, set_training
from tfx.optim import AdamW
from tfx.schedule import constant
from tfx.train import LabelledBatch, labelling_loss, train


def previous_token(rng: np.random.Generator, rows: int = 16) -> LabelledBatch:
    """Each place has to name the token before it, which only attention can fetch."""
    ids = rng.integers(6, size=(rows, 7))
    return LabelledBatch(ids, np.roll(ids, 1, axis=1))


def accuracy(model: Encoder) -> float:
    batch = previous_token(np.random.default_rng(99), 64)
    return float((model.forward(batch.ids)[0].argmax(-1) == batch.targets)[:, 1:].mean())


@pytest.mark.parametrize("kind", NORMS)
def test_an_encoder_learns_with_it_and_keeps_what_it_learned_in_evaluation(kind):
    model = Encoder(6, d_model=24, n_heads=2, d_ff=32, n_layers=1, norm=kind)
    rate = partial(constant, learning_rate=0.01)
    untrained = accuracy(model)
    records = list(train(model, previous_token, labelling_loss(), AdamW(model), rate, 150))
    assert records[-1].loss < 0.3 * records[0].loss
    set_training(model, False)
    assert untrained < 0.4 and accuracy(model) > 0.95


def test_with_batch_norm_one_sequence_alone_is_answered_by_the_running_statistics_only():
    """In training mode the statistics of a single sequence stand for the language: the answer changes."""
    model = Encoder(6, d_model=24, n_heads=2, d_ff=32, n_layers=1, norm="batch_norm")
    list(train(model, previous_token, labelling_loss(), AdamW(model), partial(constant, learning_rate=0.01), 20))
    ids = previous_token(np.random.default_rng(99), 8).ids
    in_training = [model.forward(part)[0][0] for part in (ids, ids[:1])]
    set_training(model, False)
    in_evaluation = [model.forward(part)[0][0] for part in (ids, ids[:1])]
    assert np.abs(in_training[0] - in_training[1]).max() > 0.1
    np.testing.assert_allclose(in_evaluation[0], in_evaluation[1], atol=1e-5)
