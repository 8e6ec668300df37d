"""What changes each verdict about size, and what is true of this section alone."""

import numpy as np
import pytest

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.scaling import counted
from tfx.lab.scale.chinchilla import HOFFMANN
from tfx.lab.scale.folding import folded, one_layer, pieces

PLACE = "tfx.claims.scaling"

BREAKS = {
    "C289": {f"{PLACE}.error_of_memory": lambda error: lambda slots, n, a: error(slots, n, a) + 0.05},
    "C290": {f"{PLACE}.optimum": lambda best: lambda budget, law: best(budget, HOFFMANN)},
    "C291": {f"{PLACE}.counted": lambda count: lambda trial, layers: (layers**2 * 1e4, count(trial, layers)[1])},
    "C292": {f"{PLACE}.Perceptron": lambda made: lambda width, hidden, n, rng: made(width, 32, n, rng)},
    "C294": {f"{PLACE}.constant": instead(lambda step, learning_rate: 0.0)},
    "C296": {f"{PLACE}.folded": instead(lambda x: x)},
}


def test_pieces_are_counted_wherever_the_turns_lie():
    x = np.linspace(0, 1, 101)
    assert pieces(3 * x) == 1 and pieces(abs(x - 0.5)) == 2 and pieces(abs(x - 0.3333)) == 2
    assert pieces(abs(x - 0.2) + abs(x - 0.6123)) == 3
    assert pieces(folded(folded(np.linspace(0, 1, 65)))) == 4


def test_a_unit_bends_where_it_begins():
    x = np.linspace(0, 1, 5)
    np.testing.assert_allclose(one_layer(x, np.array([1.0]), np.array([-0.5]), np.array([2.0])), [0, 0, 0, 0.5, 1])


def test_a_deeper_model_has_more_work_and_more_parameters():
    (work, size), (more_work, more_size) = counted(Trial(1), 1), counted(Trial(1), 2)
    assert more_work > work and more_size - size == pytest.approx(more_work - work, rel=0.1)
