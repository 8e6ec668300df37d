"""What changes each verdict about size, and what is true of this section alone."""

import pytest

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.scaling import counted
from tfx.lab.scale.chinchilla import HOFFMANN

PLACE = "tfx.claims.scaling"

BREAKS = {
    "C289": {f"{PLACE}.error_of_memory": lambda error: lambda slots, n, a: error(slots, n, a) + 0.05},
    "C290": {f"{PLACE}.optimum": lambda best: lambda budget, law: best(budget, HOFFMANN)},
    "C291": {f"{PLACE}.counted": lambda count: lambda trial, layers: (layers**2 * 1e4, count(trial, layers)[1])},
    "C292": {f"{PLACE}.Perceptron": lambda made: lambda width, hidden, n, rng: made(width, 32, n, rng)},
    "C294": {f"{PLACE}.constant": instead(lambda step, learning_rate: 0.0)},
    "C296": {f"{PLACE}.folded": instead(lambda x: x)},
}


def test_a_deeper_model_has_more_work_and_more_parameters():
    (work, size), (more_work, more_size) = counted(Trial(1), 1), counted(Trial(1), 2)
    assert more_work > work and more_size - size == pytest.approx(more_work - work, rel=0.1)
