"""Which outputs depend on which inputs: known wirings are found again."""

from __future__ import annotations

import numpy as np

from tfx.measure.dependence import STAYS, dependence

IDS = np.array([3, 1, 4, 2])


def test_sums_of_what_came_before_depend_on_a_triangle():
    found = dependence(lambda ids: np.cumsum(ids)[:, None].astype(float), IDS, 9)
    assert found.tolist() == np.tri(4, dtype=int).tolist()


def test_rows_are_outputs_and_columns_are_inputs():
    found = dependence(lambda ids: ids[[2, 0, 2]][:, None].astype(float), IDS, 9)
    assert found.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]]


def test_rounding_is_no_dependence_and_any_number_of_a_row_counts():
    assert not dependence(lambda ids: ids[:, None] * (STAYS / 100), IDS, 9).any()
    assert dependence(lambda ids: np.stack([np.zeros(4), ids * 1e-6], axis=1), IDS, 9).tolist() == np.eye(4).tolist()


def test_the_ids_are_left_as_they_are():
    kept = IDS.copy()
    dependence(lambda ids: ids[:, None].astype(float), kept, 9)
    assert kept.tolist() == IDS.tolist()
