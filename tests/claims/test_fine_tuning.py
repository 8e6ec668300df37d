"""What changes each verdict about what is passed on and what is lost."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.fine_tuning import after_b
from tfx.lab.training.points import Perceptron
from tfx.optim import Adam
from tfx.train.rehearsal import rehearsed

PLACE = "tfx.claims.fine_tuning"


def of_one_task(original):
    """Both tasks are one, so that nothing is in the way of the other."""
    return lambda n, spread, seed: original(n, spread=spread, seed=(*seed[:2], 0))


UNTAUGHT = Perceptron(16, 64, 10, np.random.default_rng(0))

BREAKS = {
    "C247": {f"{PLACE}.layerwise_decay": lambda original: lambda decay, top: original(1.0, top)},
    "C250": {f"{PLACE}.taught_by": lambda original: lambda teacher: original(UNTAUGHT)},
    "C256": {f"{PLACE}.Blobs": of_one_task},
    "C257": {f"{PLACE}.GroupedOptimizer": instead(lambda model, make, group, factor: Adam(model))},
}


def test_a_head_of_its_own_learns_the_new_task_and_leaves_the_old_one():
    before, after, new = after_b(Trial(3), "own head")
    assert after == before and new > 0.5


def test_replay_draws_from_both():
    drawn = [rehearsed(lambda rng: "new", lambda rng: "old", 0.5)(np.random.default_rng(n)) for n in range(20)]
    assert {*drawn} == {"new", "old"}
