"""Adding by a table of columns: against whole numbers, and copying against attention itself."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.data.toys.addition import Addition
from tfx.lab.sequences.digit_tables import (
    carry_in,
    copied_right,
    learn_patterns,
    right_from_back,
    right_from_front,
    share_right,
    sums,
    sums_right,
)
from tfx.ops.attention.scaled_dot_product import attention_forward

RNG = np.random.default_rng


def test_a_table_holds_the_columns_of_its_sums_and_no_others():
    drawn = sums(Addition(2), 4000, RNG(0), held_out=False)
    for by_place, n in ((True, 300), (False, 200)):
        known = learn_patterns(drawn, by_place)
        assert len(known) >= n - 3
        assert all(10 * then + written == i + j + carry for (_, i, j, carry), (written, then) in known.items())
        assert share_right(known, drawn, by_place) == 1.0


def test_by_place_longer_sums_are_wrong_and_without_it_right():
    assert sums_right(RNG(1), 3000, 3) == 0.0
    assert sums_right(RNG(1), 3000, 3, by_place=False) > 0.9


def test_carries_are_those_of_whole_numbers():
    a, b = RNG(2).integers(10, size=(2, 300, 6))
    weights = 10 ** np.arange(5, -1, -1)
    tail = [((a[:, i:] @ weights[i:]) + (b[:, i:] @ weights[i:])) // 10 ** (6 - i) for i in range(6)]
    assert np.array_equal(carry_in(a, b)[:, :6].T, tail) and not carry_in(a, b)[:, 6].any()
    assert right_from_back(a, b) == 1.0 and right_from_front(a, b, 6) == 1.0
    guessed = [(a[:, i : i + 2] @ [10, 1] + b[:, i : i + 2] @ [10, 1]) // 100 if i < 5 else tail[5] for i in range(6)]
    assert right_from_front(a, b, 2) == np.mean((np.array(guessed) == tail).all(axis=0))


def test_a_copier_reads_what_attention_reads():
    keys, ahead, tokens = 300, 3.0, 5
    rng, marks = RNG(3), []
    for _ in range(400):
        held = rng.integers(tokens, size=keys)
        held[0] = 0
        scores = np.zeros((keys, 1))
        scores[0] = ahead
        out, _ = attention_forward(np.ones((1, 1)), scores, np.eye(tokens)[held], None)
        marks.append(out[0].argmax() == 0)
    assert copied_right(keys, ahead, tokens, 4000, RNG(4)) == pytest.approx(np.mean(marks), abs=0.1)
    assert copied_right(16, 3.0, tokens, 100, RNG(4)) == 1.0
