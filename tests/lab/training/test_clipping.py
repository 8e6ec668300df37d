"""Clipping: what breaks each check, and what is said is what was measured."""

from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tests.lab.training.remembering import remembered
from tfx.lab.training import clipping
from tfx.lab.training.clipping import BY_NORM, BY_VALUE, NONE, clips, cosine
from tfx.optim import SGD

PLACE = "tfx.lab.training.clipping"
SMALL = replace(clipping.Settings(), seeds=2)


def runs(change):
    """Runs of which something is otherwise: change(optimizer, clipping, what was found) -> what stands there then."""

    def make(original):
        def followed(settings, name, clip, poisoned, seed):
            found = original(settings, name, clip, poisoned, seed)
            return found._replace(**change(name, clip, found)) if poisoned else found

        return followed

    return {f"{PLACE}.followed": make}


def where(name, clip, **change):
    return runs(lambda n, c, found: {k: f(found) for k, f in change.items()} if (n, c) == (name, clip) else {})


BREAKS = Table(
    SMALL,
    Broken("a batch that is not poisoned", {"explodes", "stays", "stalls", "turns"}, {
        f"{PLACE}.followed": lambda o: lambda s, name, clip, poisoned, seed: o(s, name, clip, False, seed)
    }),
    Broken("descent that survives at once", {"explodes"}, where("SGD", NONE, at_once=lambda found: 1.0)),
    Broken("descent that recovers", {"stays"}, where("SGD", NONE, later=lambda found: 0.2)),
    Broken("a limit of the norm that is none", {"norm", "moves-on"}, {
        f"{PLACE}.followed": lambda o: lambda s, n, c, p, seed: o(s, n, NONE if c == BY_NORM else c, p, seed)
    }),
    Broken("clipped by value and lost", {"value"}, where("SGD", BY_VALUE, later=lambda found: found.later + 1)),
    Broken("an Adam that is thrown", {"bounded"}, where("Adam", NONE, at_once=lambda found: found.at_once + 1)),
    Broken("an Adam that moves on", {"stalls"}, where("Adam", NONE, moved=lambda found: 100.0)),
    Broken("an Adam that stalls when clipped", {"moves-on"}, where("Adam", BY_NORM, moved=lambda found: 0.0)),
    Broken("by norm, and turned a little", {"direction"}, where("SGD", BY_NORM, cosine=lambda found: 0.999)),
    Broken("by value, and not turned", {"turns"}, where("Adam", BY_VALUE, cosine=lambda found: 1.0)),
    always={f"{PLACE}.followed": remembered()},
)  # fmt: skip


def test_clipped_by_norm_and_by_value():
    grad = np.array([10.0, 1.0])
    cosines = {}
    for clipping_of in (NONE, BY_NORM, BY_VALUE):
        cut = grad.copy()
        assert clips(clipping_of, 1.0)(cut) == pytest.approx(101**0.5)
        cosines[clipping_of] = cosine(grad, cut)
    assert cosines == pytest.approx({NONE: 1.0, BY_NORM: 1.0, BY_VALUE: 11 / 202**0.5})


def test_a_run_that_diverges_is_told_and_not_raised(monkeypatch):
    monkeypatch.setattr(clipping, "OPTIMIZERS", {"SGD": (SGD, 1e3)})
    assert clipping.followed(SMALL, "SGD", BY_NORM, False, (0, 0)).at_once > 10


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(clipping)
    row = {(row["optimizer"], row["clipping"]): row for row in found.rows}
    bare, saved, adam = row["SGD", NONE], row["SGD", BY_NORM], row["Adam", NONE]
    assert found.notes[0].text == (
        f"One poisoned batch costs plain gradient descent {bare['at_once']:,.0f} nats at once, {saved['at_once']:.2f} "
        f"when clipped by norm. Adam loses {adam['at_once']:.3f} and then crawls: {adam['moved']:.0%} of the way that "
        "its twin goes."
    )
    assert found.question.answer == 1
    assert found.plots[0].title == (
        f"One poisoned batch costs SGD {bare['at_once']:,.0f} nats, {saved['at_once']:.2f} when clipped by norm"
    )
