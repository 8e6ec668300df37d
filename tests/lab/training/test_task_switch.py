"""A frozen model and a prefix that switches its task."""

from __future__ import annotations

import numpy as np

from tfx.lab.training import task_switch
from tfx.lab.training.task_switch import ANY, FIRST, LAST, SYMBOLS, draw, knows, switched


def test_the_sign_says_which_symbol_is_asked_for():
    ids, answers = draw(400, (FIRST, LAST), None, np.random.default_rng(0))
    assert {*ids[:, 0]} == {FIRST, LAST} and ids[:, 1:].max() == SYMBOLS - 1
    assert (answers == np.where(ids[:, 0] == FIRST, ids[:, 1], ids[:, -1])).all()
    hidden, same = draw(400, (LAST,), ANY, np.random.default_rng(0))
    assert (hidden[:, 0] == ANY).all() and (same == hidden[:, -1]).all()


def test_a_prefix_switches_what_the_model_knows_and_nothing_else_and_leaves_its_weights(monkeypatch):
    before = {name: value.copy() for name, value in knows((FIRST, LAST), 150, 3).items()}
    made, kept = [], task_switch._model
    monkeypatch.setattr(task_switch, "_model", lambda seed: made.append(kept(seed)) or made[-1])
    for wanted in (FIRST, LAST):
        without, with_prefix = switched(wanted, 4, (FIRST, LAST), 150, 50, 400, 3)
        assert with_prefix > 0.8 > without
    for model in made:
        state = model.state()
        shared = [name for name in before if name in state]
        assert len(shared) > 10 and all(np.array_equal(state[name], before[name]) for name in shared)
    assert switched(LAST, 4, (FIRST,), 75, 50, 400, 3)[1] < 0.4
