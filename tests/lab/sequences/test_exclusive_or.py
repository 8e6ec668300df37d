"""XOR: no affine map answers it, two units do, and what learns goes down the gradient."""

import numpy as np
import pytest

from tfx.lab.sequences import exclusive_or
from tfx.lab.sequences.exclusive_or import ANSWERS, INPUTS, SOLUTION, best_line, learn_xor, network


def test_the_best_line_is_the_best_and_answers_one_half():
    rng = np.random.default_rng(0)
    tries = [
        ((INPUTS @ w + b - ANSWERS) ** 2).sum() for w, b in ((rng.normal(size=2), rng.normal()) for _ in range(500))
    ]
    assert best_line() == pytest.approx(0.5) and min(tries) > ((best_line() - ANSWERS) ** 2).sum() == pytest.approx(1)


def test_the_solution_by_hand_is_xor():
    w1, b1, w2, b2 = SOLUTION
    assert network(w1, b1, w2, b2, True)[1][:, 0].tolist() == ANSWERS.tolist()


@pytest.mark.parametrize("bend", [True, False])
def test_a_step_goes_down_the_gradient_of_the_mean_squared_error(bend, monkeypatch):
    """By differences of the loss, from one start to the next step."""
    kept = []

    def watched(*weights_and_bend):
        kept.append([weight.copy() for weight in weights_and_bend[:4]])
        return network(*weights_and_bend)

    monkeypatch.setattr(exclusive_or, "network", watched)
    learn_xor(3, 4, 2, 1, bend)
    before, after = kept

    def loss(weights):
        return float(((network(*weights, bend)[1][..., 0] - ANSWERS) ** 2).mean(axis=1).sum())

    for part in range(4):
        for at in np.ndindex(before[part].shape):
            moved = [[w.copy() for w in before] for _ in range(2)]
            moved[0][part][at] += 1e-6
            moved[1][part][at] -= 1e-6
            slope = (loss(moved[0]) - loss(moved[1])) / 2e-6
            assert (before[part][at] - after[part][at]) / exclusive_or.RATE == pytest.approx(slope, abs=1e-6)


def test_without_a_bend_nothing_is_learned():
    assert (learn_xor(0, 8, 10, 1500, bend=False) > 0.45).all() and (learn_xor(0, 8, 10, 1500) < 0.25).sum() > 7
