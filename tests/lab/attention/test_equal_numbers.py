import numpy as np

from tfx.lab.attention.equal_numbers import found, found_by_additive, found_by_dot_products


def test_a_bump_finds_every_number_and_a_line_an_end_at_most():
    assert found_by_additive() == 1
    assert found_by_dot_products(np.random.default_rng(0)) == 2 / 16


def test_a_flat_bump_still_has_its_top_at_equals():
    assert found_by_additive(0.5) == 1


def test_rows_that_find_themselves_are_counted():
    assert found(np.eye(3)) == 1 and found(np.array([[0.0, 1.0], [0.0, 1.0]])) == 0.5
