"""Folds of a line: pieces counted by eye, and one unit by hand."""

import numpy as np

from tfx.lab.scale.folding import folded, one_layer, pieces


def test_pieces_are_counted_wherever_the_turns_lie():
    x = np.linspace(0, 1, 101)
    assert pieces(3 * x) == 1 and pieces(abs(x - 0.5)) == 2 and pieces(abs(x - 0.3333)) == 2
    assert pieces(abs(x - 0.2) + abs(x - 0.6123)) == 3
    assert pieces(folded(folded(np.linspace(0, 1, 65)))) == 4


def test_a_unit_bends_where_it_begins():
    x = np.linspace(0, 1, 5)
    np.testing.assert_allclose(one_layer(x, np.array([1.0]), np.array([-0.5]), np.array([2.0])), [0, 0, 0, 0.5, 1])
