"""Recall at a distance: the gradient is that of the loss, attention finds the symbol, an RNN only near by."""

import numpy as np
import pytest

from tfx.lab.sequences.recall import ASK, SYMBOLS, Recaller, draw, recall


@pytest.mark.parametrize("way", ["RNN", "attention"])
def test_one_step_learns_along_the_gradient(way):
    """Every parameter, by differences of the loss."""
    model = Recaller(way, 3, np.random.default_rng(0))
    ids, answers = draw(np.random.default_rng(1), 4, 3)
    model.zero_grad()
    model.learn(ids, answers)
    grads = {name: parameter.grad.copy() for name, parameter in model.parameters().items()}
    for name, parameter in model.parameters().items():
        grad = grads[name]
        at = np.unravel_index(np.abs(grad).argmax(), grad.shape)
        kept, losses = parameter.value[at], []
        for step in (1e-6, -1e-6):
            parameter.value[at] = kept + step
            losses.append(model.learn(ids, answers))
        parameter.value[at] = kept
        assert grad[at] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-5), name


def test_the_symbol_stands_first_and_the_question_last():
    ids, answers = draw(np.random.default_rng(0), 50, 6)
    assert ids.shape == (50, 8) and (ids[:, 0] == answers).all() and (ids[:, -1] == ASK).all()
    assert ids[:, 1:-1].min() >= SYMBOLS and ids[:, 1:-1].max() < ASK


def test_attention_finds_it_far_away_and_the_rnn_near_by():
    assert recall("attention", 24, 0, 60) > 0.95 and recall("RNN", 2, 0, 60) > 0.95
    assert recall("RNN", 24, 0, 60) < 0.5 and recall("RNN", 24, 0, 60) == recall("RNN", 24, 0, 60)
