"""Distillation as a loss of the training loop, at every token and by whole sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.generate import greedy_seq2seq
from tfx.models import Encoder, EncoderDecoder
from tfx.train import LabelledBatch, distilled_labelling_loss, labelling_loss, taught_sequences

SIZE: dict[str, Any] = {"n_heads": 2, "d_ff": 8, "n_layers": 1, "dtype": "float64"}
IDS = np.random.default_rng(0).integers(7, size=(3, 6))
BATCH = LabelledBatch(IDS, IDS[:, ::-1].copy(), np.array([6, 2, 4]))
TEACHER = Encoder(7, d_model=16, seed=5, **SIZE)


def gradient_of(model: Any, loss: Any) -> tuple[Any, np.ndarray]:
    model.zero_grad()
    value = loss(model, BATCH, np.random.default_rng(0))
    return value, np.concatenate([parameter.grad.reshape(-1) for parameter in model.parameters().values()])


def test_with_all_weight_on_the_labels_it_is_plain_training():
    student = Encoder(7, d_model=8, **SIZE)
    want, plain = gradient_of(student, labelling_loss())
    have, grad = gradient_of(student, distilled_labelling_loss(TEACHER, hard=1.0))
    assert have.tokens == want.tokens == 12 and have.loss == pytest.approx(want.loss, rel=1e-14)
    np.testing.assert_allclose(grad, plain, rtol=0, atol=1e-15)


def test_both_parts_add_up_by_their_weights():
    student = Encoder(7, d_model=8, **SIZE)
    parts = [gradient_of(student, distilled_labelling_loss(TEACHER, 2.0, hard)) for hard in (0.0, 1.0, 0.3)]
    np.testing.assert_allclose(parts[2][1], 0.7 * parts[0][1] + 0.3 * parts[1][1], rtol=0, atol=1e-15)
    assert parts[2][0].loss == pytest.approx(0.7 * parts[0][0].loss + 0.3 * parts[1][0].loss, rel=1e-13)


def test_without_labels_they_are_not_looked_at_and_a_twin_of_the_teacher_has_nothing_to_learn():
    student = Encoder(7, d_model=16, seed=5, **SIZE)
    blind = LabelledBatch(IDS, np.full_like(IDS, -1), None)
    value = distilled_labelling_loss(TEACHER, 3.0)(student, blind, np.random.default_rng(0))
    assert value.loss == pytest.approx(0, abs=1e-14) and value.tokens == IDS.size
    assert max(abs(parameter.grad).max() for parameter in student.parameters().values()) < 1e-14


def test_the_teacher_gets_no_gradient():
    gradient_of(Encoder(7, d_model=8, **SIZE), distilled_labelling_loss(TEACHER))
    assert not any(parameter.grad.any() for parameter in TEACHER.parameters().values())


def test_a_teacher_with_batch_norm_teaches_each_text_what_it_says_of_it_alone_and_learns_nothing():
    teacher = Encoder(7, d_model=16, seed=5, norm="batch_norm", **SIZE)
    statistics = teacher.state()
    student, loss = Encoder(7, d_model=8, **SIZE), distilled_labelling_loss(teacher)
    parts = [LabelledBatch(IDS[row : row + 1], IDS[row : row + 1]) for row in range(3)]
    alone = [loss(student, part, np.random.default_rng(0)).loss for part in parts]
    together = loss(student, LabelledBatch(IDS, IDS), np.random.default_rng(0)).loss
    assert together == pytest.approx(np.mean(alone), rel=1e-12)
    teacher.update_buffers()
    assert all(np.array_equal(value, statistics[name]) for name, value in teacher.state().items())


def test_a_batch_of_taught_sequences_holds_what_the_teacher_writes():
    teacher = EncoderDecoder(7, d_model=8, max_len=16, **SIZE)
    batch = taught_sequences(teacher, lambda rng: rng.integers(6, size=(4, 5)), 3, start=6)(np.random.default_rng(1))
    assert batch.src.shape == (4, 5) and batch.tgt.shape == (4, 4) and (batch.tgt[:, 0] == 6).all()
    np.testing.assert_array_equal(batch.tgt[:, 1:], greedy_seq2seq(teacher, batch.src, 3, 6))


@pytest.mark.parametrize("hard", [-0.1, 1.1])
def test_a_weight_that_is_no_share_is_refused(hard):
    with pytest.raises(ValueError, match="weight of the labels"):
        distilled_labelling_loss(TEACHER, hard=hard)
