"""Exposure bias: one mistake, counted once by teacher forcing and for ever by the text itself."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tfx.generate import WholePass, greedy
from tfx.measure.exposure_bias import exposure
from tfx.models import DecoderOnly
from tfx.optim import AdamW
from tfx.schedule import constant
from tfx.train import next_token_loss, train

SIZE: dict[str, Any] = {"d_model": 16, "n_heads": 2, "d_ff": 16, "n_layers": 1}


def counting_but_for_3() -> WholePass:
    """After t comes t + 1, but this model goes from 3 to 7."""
    after = (np.arange(20) + 1) % 20
    after[3] = 7
    return WholePass(lambda ids, _: np.eye(20)[after[ids]])


def test_a_mistake_is_one_place_when_the_truth_is_read_and_all_the_rest_when_it_is_not():
    have = exposure(counting_but_for_3(), np.array([[1, 2, 3, 4, 5, 6], [9, 10, 11, 12, 13, 14]]), 1)
    np.testing.assert_array_equal(have.teacher_forced, [1, 1, 0.5, 1, 1])
    np.testing.assert_array_equal(have.free_running, [1, 1, 0.5, 0.5, 0.5])
    assert have.gap == pytest.approx(0.2)


def test_a_model_is_judged_by_its_own_forward_pass_and_by_what_greedy_writes():
    ids = np.random.default_rng(0).integers(7, size=(4, 9))
    model = DecoderOnly(7, **SIZE)
    have = exposure(model, ids, 3)
    np.testing.assert_array_equal(
        have.teacher_forced, (model.forward(ids[:, :-1])[0].argmax(-1)[:, 2:] == ids[:, 3:]).mean(axis=0)
    )
    np.testing.assert_array_equal(have.free_running, (greedy(model, ids[:, :3], 6) == ids[:, 3:]).mean(axis=0))
    assert have.teacher_forced[0] == have.free_running[0], "the first token rests on what was given alone"


def test_one_wrong_token_costs_a_model_more_when_it_reads_what_it_wrote():
    """Counting on by one: forced, a model that errs at one symbol errs there; free, everything after it is shifted."""
    batches = lambda rng: (rng.integers(7, size=(32, 1)) + np.arange(9)) % 7  # noqa: E731
    model = DecoderOnly(7, positions="none", **SIZE)
    for _ in train(model, batches, next_token_loss(), AdamW(model), partial(constant, learning_rate=0.02), 40):
        pass
    truth = batches(np.random.default_rng(1))
    right = exposure(model, truth, 1)
    assert right.free_running.min() == 1 and right.gap == 0
    table = model.embedding.table.value
    table[3] += 2 * table[4]  # now 3 is said where 4 is right
    assert exposure(model, truth, 1).gap > 0.1


@pytest.mark.parametrize(("shape", "n_given"), [((2, 9), 0), ((2, 9), 9), ((9,), 3)])
def test_what_leaves_nothing_to_read_or_to_write_is_refused(shape, n_given):
    with pytest.raises(ValueError, match="cannot be given"):
        exposure(counting_but_for_3(), np.zeros(shape, dtype=int), n_given)
