"""A deep network of residual blocks: its gradients, and what is left of it when every other block is taken away."""

import numpy as np
import pytest

from tfx.lab.training import layer_drop
from tfx.lab.training.layer_drop import DeepPerceptron, cut_in_half
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward


@pytest.mark.parametrize("rate", [0.0, 0.6])
def test_every_gradient_is_the_slope_of_the_loss(rate):
    rng = np.random.default_rng(1)
    model = DeepPerceptron(5, 3, 3, rate, rng)
    x, labels = rng.standard_normal((4, 5)), np.array([0, 2, 1, 1])

    def loss():
        logits, cache = model.forward(x, np.random.default_rng(7))
        value, losses = cross_entropy_forward(logits, labels)
        return float(value), losses, cache

    _, losses, cache = loss()
    model.backward(cross_entropy_backward(1.0, losses), cache)
    for parameter in model.parameters().values():
        at, step = tuple(0 for _ in parameter.value.shape), 1e-6
        slope = 0.0
        for sign in (1, -1):
            parameter.value[at] += sign * step
            slope += sign * loss()[0] / (2 * step)
            parameter.value[at] -= sign * step
        assert parameter.grad[at] == pytest.approx(slope, abs=1e-8)


def test_who_trained_with_layers_missing_can_do_without_them():
    usual, dropped = (cut_in_half(rate, (3, 0)) for rate in (0.0, 0.2))
    assert usual.whole > 0.9 and dropped.whole > 0.9 > usual.cut + 0.2 and dropped.cut > usual.cut + 0.2
    assert cut_in_half(0.2, (3, 0), steps=20).whole < dropped.whole


def test_the_cut_takes_every_other_block_beginning_with_the_first(monkeypatch):
    models = []
    monkeypatch.setattr(layer_drop, "judge", lambda model, new: models.append(model.stack) or JUDGED)
    cut_in_half(0.2, (0, 0), steps=1)
    whole, cut = models
    assert cut.blocks == whole.blocks[1::2] and len(whole.blocks) == 6


class Judged:
    accuracy = 0.5


JUDGED = Judged()
