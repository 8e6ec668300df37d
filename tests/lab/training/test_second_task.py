"""A second task after a first: what is kept, by what, and how far layers move."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.gradcheck import check_gradients
from tfx.lab.training.points import Perceptron, Points
from tfx.lab.training.second_task import (
    ALL,
    OWN_HEAD,
    PENALTY,
    REHEARSAL,
    SLOW,
    few_examples,
    knows_first,
    learnt_after,
    moved_by_depth,
    penalised,
)
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.optim import gradual_unfreezing, layerwise_decay


def test_all_weights_forget_and_each_other_way_keeps_more():
    start, end = learnt_after(ALL, (0, 80), 3)
    assert start.step == 0 and start.first > 0.95 > 0.9 > end.first and end.second > 0.95 > start.second
    for way in (SLOW, REHEARSAL, PENALTY, OWN_HEAD):
        assert learnt_after(way, (80,), 3)[0].first > end.first + 0.05
    own = learnt_after(OWN_HEAD, (0, 80), 3)
    assert own[1].first == own[0].first == start.first and own[1].second > 0.9


def test_looks_on_the_way_change_nothing():
    assert learnt_after(ALL, (30, 60), 2)[1] == learnt_after(ALL, (60,), 2)[0]
    before = {name: value.copy() for name, value in knows_first(2).items()}
    learnt_after(ALL, (20,), 2)
    assert all(np.array_equal(value, before[name]) for name, value in knows_first(2).items())


def test_a_stronger_penalty_holds_the_weights_closer():
    kept = [learnt_after(PENALTY, (60,), 4, strength)[0].first for strength in (0.0, 0.05, 1.0)]
    assert kept[0] == learnt_after(ALL, (60,), 4)[0].first < kept[1] < kept[2]


def test_the_penalty_has_the_gradient_of_its_loss():
    rng = np.random.default_rng(0)
    model, points = Perceptron(3, 4, 2, rng), Points(rng.standard_normal((5, 3)), rng.integers(2, size=5))
    loss = penalised(model, 0.3)
    start = model.second.w.value.copy()
    model.second.w.value += rng.standard_normal(start.shape)

    def forward(w):
        model.second.w.value[...] = w
        moved = w - start
        return cross_entropy_forward(model.forward(points.x)[0], points.labels)[0] + 0.15 * (moved * moved).sum(), None

    def backward(dy, cache):
        model.zero_grad()
        loss(model, points, None)
        return dy * model.second.w.grad

    w = model.second.w.value.copy()
    assert check_gradients(forward, backward, {"w": w}).passes
    model.second.w.value[...] = w
    assert loss(model, points, None).loss == pytest.approx(float(forward(w)[0]))


def test_layers_move_by_their_rates_and_what_is_frozen_stays():
    even, falling = (moved_by_depth(layerwise_decay(decay, 4), 6, 0) for decay in (1.0, 0.5))
    assert all(low < 0.6 * plain for low, plain in zip(falling[:4], even[:4], strict=True))
    thawing = moved_by_depth(gradual_unfreezing(2, 4), 4, 0)
    assert thawing[:3] == [0, 0, 0] and min(thawing[3:]) > 0


def test_few_examples_scatter_more():
    few, many = few_examples(10, 6, 1), few_examples(300, 6, 1)
    assert np.std(few) > np.std(many) and np.mean(many) > np.mean(few) > 0.5 and few == few_examples(10, 6, 1)
