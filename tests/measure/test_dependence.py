"""Which output moves with which input."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.measure.dependence import dependence


def test_an_output_depends_on_what_it_is_made_of():
    """Output 1 is made of inputs 1 and 3, output 2 of nothing, output 3 of input 2, and has another width."""
    picture = dependence(
        lambda ids: [ids[0, [0, 2]] * 1e-6, np.zeros(4), np.tile(ids[0, 1:2], 5)], np.array([[3, 1, 4]]), 9
    )
    assert picture.astype(int).tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_an_output_that_stops_being_a_number_has_moved():
    outputs = lambda ids: [np.where(ids[0, :1] == 9, np.nan, 1.0), np.ones(1)]  # noqa: E731
    assert dependence(outputs, np.array([[3, 1]]), 9).astype(int).tolist() == [[1, 0], [0, 0]]
    assert not dependence(lambda ids: [np.nan * ids[0]], np.array([[3, 1]]), 9).any(), "it never was a number"


def test_sums_of_what_came_before_depend_on_a_triangle_and_the_ids_are_left_as_they_are():
    ids = np.array([3, 1, 4, 2])
    kept = ids.copy()
    found = dependence(lambda ids: np.cumsum(ids)[:, None].astype(float), ids, 9)
    assert found.tolist() == np.tri(4, dtype=bool).tolist() and ids.tolist() == kept.tolist()


def test_rounding_is_no_movement():
    assert not dependence(lambda ids: [1.0 + 1e-15 * ids[0]], np.array([[3, 1]]), 9).any()


def test_the_replacement_must_be_new():
    with pytest.raises(ValueError, match="4 stands in ids already: put there, it would change nothing"):
        dependence(lambda ids: [ids[0]], np.array([[3, 4]]), 4)
