"""Who reacts to an edited query, key or value."""

from __future__ import annotations

import numpy as np
import pytest

import tfx.lab.attention.who_responds as who_responds
from tfx.lab.attention.who_responds import responses


@pytest.mark.parametrize("seed", range(20))
def test_a_query_moves_its_row_a_key_every_row_and_a_value_every_output(seed):
    rng = np.random.default_rng(seed)
    q, k, v = rng.standard_normal((5, 3)), rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    found = responses(q, k, v, at=seed % 5)
    assert [(one.edited, one.weight_rows, one.outputs) for one in found] == [
        ("query", 1, 1),
        ("key", 5, 5),
        ("value", 0, 5),
    ]
    assert found[0].largest > 0 and found[1].largest > 0 and found[2].largest == 0


def test_inputs_stay_as_they_are_and_a_row_that_is_not_there_is_refused():
    q, k, v = (np.ones((3, 2)) for _ in range(3))
    responses(q, k, v, at=1)
    assert all((part == 1).all() for part in (q, k, v))
    with pytest.raises(IndexError):
        responses(q, k, v, at=3)


def test_a_key_that_nobody_asks_for_is_not_counted_as_moved(monkeypatch):
    q, k, v = np.zeros((3, 2)), np.ones((3, 2)), np.ones((3, 1))
    assert [one.weight_rows for one in responses(q, k, v, at=0)] == [0, 0, 0]  # no query, so every score is 0
    monkeypatch.setattr(who_responds, "STILL", -1.0)
    assert [one.weight_rows for one in responses(q, k, v, at=0)] == [3, 3, 3]
