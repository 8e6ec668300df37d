"""What changes each verdict of the section on memory and systems, and what is true of this section alone."""

import numpy as np
import pytest

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.memory_and_systems import learnt, only_signs, right_after
from tfx.lab.training.points import Blobs, judge

PLACE = "tfx.claims.memory_and_systems"


def keeps_more(held):
    return lambda stack, x: held(stack, x) + x.nbytes


def a_layer_that_is_stored_whole(mixture):
    """Every expert runs."""
    return lambda trial, n, k: mixture(trial, n, n)


BREAKS = {
    "C259": {f"{PLACE}.most_held": keeps_more},
    "C260": {f"{PLACE}.most_held": lambda held: lambda stack, x: 10 * held(stack, x)},
    "C261": {f"{PLACE}.own_work": lambda work: lambda layer, n, queries: work(layer, n, n)},
    "C262": {f"{PLACE}.off": instead(lambda found, wanted: 0.0)},
    "C264": {f"{PLACE}.tensor_parallel": lambda share: lambda whole, n, add_up: share(whole, 1, add_up)},
    "C265": {f"{PLACE}.pipeline_schedule": lambda schedule: lambda stages, parts: schedule(stages, 2 * parts)},
    "C266": {f"{PLACE}.rounded": lambda rounded: lambda trial, bits: rounded(trial, 8)},
    "C267": {f"{PLACE}.magnitude_mask": lambda mask: lambda w, share: mask(w, 0.2)},
    "C269": {f"{PLACE}.mixture": a_layer_that_is_stored_whole},
}


def test_a_network_is_as_it_was_after_its_weights_were_changed():
    trial = Trial(2)
    model, new = learnt(trial.seed)
    before = {name: value.copy() for name, value in model.state().items()}
    worse = right_after(trial, only_signs)
    assert worse < judge(model, new).accuracy
    assert all(np.array_equal(value, before[name]) for name, value in model.state().items())


def test_points_of_the_classes_overlap_so_that_not_all_can_be_told():
    _, new = learnt(2)
    centres = Blobs(spread=1.0, seed=(2, 9)).centres
    nearest = ((new.x[:, None] - centres) ** 2).sum(axis=-1).argmin(axis=1)
    assert 0.8 < (nearest == new.labels).mean() < 1 == pytest.approx(1)
