"""Curriculum: the easiest share, growing with the step, the same in a resumed run."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from tfx.train import curriculum_rows, growing_length, linear_competence, root_competence

RNG = np.random.default_rng


@pytest.mark.parametrize("competence", [linear_competence, root_competence])
def test_competence_grows_from_the_first_share_to_all(competence):
    shares = [competence(step, 100, 0.2) for step in range(1, 151)]
    assert 0.2 < shares[0] < 0.25 and shares[99:] == [1.0] * 51 and shares == sorted(shares)


def test_the_root_opens_new_examples_at_a_rate_that_falls_as_the_pool_grows():
    shares = np.array([root_competence(step, 100, 0.2) for step in range(1, 101)])
    np.testing.assert_allclose(np.diff(shares**2), (1 - 0.04) / 100, rtol=1e-9)
    assert root_competence(50, 100, 0.2) == pytest.approx(math.sqrt(0.04 + 0.96 / 2))
    assert linear_competence(50, 100, 0.2) == pytest.approx(0.6)


def test_only_the_easiest_share_is_drawn_and_in_the_end_everything():
    difficulty, step = RNG(0).permutation(50), 0
    rows = curriculum_rows(difficulty, 200, partial(linear_competence, total=10, first=0.1), lambda: step)
    for step in (0, 4, 9, 30):
        drawn = difficulty[rows(RNG(step))]
        n_open = math.ceil(50 * min(1.0, 0.1 + 0.9 * (step + 1) / 10))
        assert drawn.max() < n_open and len(set(drawn.tolist())) > 0.7 * n_open


def test_a_row_of_the_same_step_and_seed_is_the_same():
    make = partial(curriculum_rows, np.arange(20), 8, partial(root_competence, total=9))
    assert np.array_equal(make(lambda: 4)(RNG(1)), make(lambda: 4)(RNG(1)))
    assert make(lambda: 0)(RNG(1)).max() < make(lambda: 50)(RNG(1)).max()


def test_at_least_one_example_is_open_and_equal_ones_keep_their_order():
    rows = curriculum_rows(np.zeros(5), 9, lambda step: 1e-9, lambda: 0)
    assert set(rows(RNG(0)).tolist()) == {0}


def test_lengths_grow_on_a_straight_line():
    assert [growing_length(step, 4, 12, 5) for step in range(1, 8)] == [4, 6, 8, 10, 12, 12, 12]
    assert [growing_length(step, 3, 13, 11, multiple=4) for step in (1, 3, 6, 10, 11)] == [3, 4, 8, 12, 13]
    assert growing_length(1, 5, 5, 1) == 5
    assert [growing_length(step, 1, 4, 4) for step in range(1, 6)] == [1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    "call",
    [
        lambda: linear_competence(0, 10),
        lambda: root_competence(1, 10, 0.0),
        lambda: growing_length(1, 5, 4, 10),
        lambda: growing_length(0, 1, 4, 10),
        lambda: curriculum_rows(np.zeros((0,)), 2, lambda step: 1.0, lambda: 0),
        lambda: curriculum_rows(np.zeros((2, 2)), 2, lambda step: 1.0, lambda: 0),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(ValueError, match=r"step|lengths|difficulty"):
        call()
