"""Copying from earlier in the text: two layers learn it, one does not, and the head is what does it."""

import functools

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab import frame
from tfx.lab.beyond_text import induction_heads
from tfx.lab.beyond_text.induction_heads import TOY, Settings

PLACE = "tfx.lab.beyond_text.induction_heads"

SMALL = Settings(models=1, steps=300, looks=4)


def where(condition, **changes):
    return lambda row: {**row, **changes} if condition(row) else row


def trained(row):
    return row["step"] == SMALL.steps


BREAKS = Table(
    SMALL,
    Broken("one layer for two", {"deep-copies", "one-cannot", "head-formed"}, deep=1),
    Broken("hardly trained", {"deep-copies", "one-cannot", "head-formed", "together", "needed"}, steps=10),
    Broken("one layer that can", {"one-cannot"}, row=where(lambda row: row["layers"] == 1, accuracy=99.0)),
    Broken(
        "a head of one layer", {"one-has-none"}, row=where(lambda row: row["layers"] == 1 and trained(row), score=0.9)
    ),
    Broken(
        "a head from the start", {"at-first"}, row=where(lambda row: row["layers"] == 1 and not row["step"], score=0.5)
    ),
    Broken(
        "a score that comes late",
        {"together"},
        row=where(lambda row: row["layers"] == 2 and row["step"] == 225, score=0.0, accuracy=100.0),
    ),
    Broken("a head that nobody needs", {"needed"}, row=where(trained, without=80.0)),
    always={f"{PLACE}.curve": instead(functools.cache(induction_heads.curve))},
)


def test_a_head_that_sees_what_came_after_scores_one_and_an_even_one_its_share():
    texts = induction_heads.said_twice(np.random.default_rng(0))
    assert texts.shape == (64, 10) and (texts[:, 5:] == texts[:, :5]).all()
    assert all(len(set(text[:5])) == 5 for text in texts.tolist())


def test_texts_that_are_asked_are_new_ones():
    seen = {tuple(row) for row in TOY.draw(500, np.random.default_rng(0)).ids.tolist()}
    assert not seen & {tuple(row) for row in TOY.draw(200, np.random.default_rng(1), held_out=True).ids.tolist()}


@pytest.mark.parametrize("seed", [1])
def test_all_checks_hold(seed):
    found = frame.run(induction_heads, SMALL, seed)
    assert all(check.holds for check in found.checks), found.checks


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(induction_heads)
    one, two = (next(row for row in found.rows if row["layers"] == layers and trained(row)) for layers in (1, 2))
    assert found.question.answer == one["accuracy"]
    assert found.notes[0].text == (
        f"2 layers get {two['accuracy']:.3g}% of new texts' tokens right, one layer {one['accuracy']:.3g}%. Their best "
        f"head has a weight of {two['score']:.2f} where it should look; without it {two['without']:.2g}% are right."
    )
