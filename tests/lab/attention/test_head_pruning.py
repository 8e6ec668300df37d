"""A trained model has heads to spare, but no layer; heads stand in for each other, so which of them go decides."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, times
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.attention import head_pruning

PLACE = "tfx.lab.attention.head_pruning"
SMALL = head_pruning.Settings(models=1)


@functools.cache
def trained_once(settings, seed):
    """Models are trained once for all of the table: what is planted changes no training."""
    return head_pruning_trained(replace(settings, models=1), seed)


head_pruning_trained = head_pruning.trained
ALWAYS = {f"{PLACE}.trained": instead(trained_once)}


def nothing_taken_out(original):
    """Rows of the output map that belong to no head."""
    return lambda block, head: (original(block, head)[0], slice(0, 0))


BREAKS = Table(
    SMALL,
    Broken("one step of training", {"learned", "stand-in", "order"}, steps=1),
    Broken("one head a layer", {"spared", "stand-in", "half", "order"}, heads=1),
    Broken(
        "heads that stay where they are",
        {"stand-in", "layers-needed", "order"},
        planted={f"{PLACE}.head_part": nothing_taken_out},
    ),
    Broken("each loses a tenth", {"spared"}, row=lambda row: {**row, "lost": 0.1}),
    Broken(
        "losses that add up",
        {"stand-in"},
        row=lambda row: {**row, "lost": (row["whole"] - row["layer_out"]) / 4 if row["out"] > 1 else 0.04},
    ),
    Broken(
        "a layer that is not needed",
        {"layers-needed"},
        row=lambda row: {**row, "layer_out": 0.6} if row["layer"] == 1 else row,
    ),
    Broken("a model that half knows its task", {"learned"}, row=times(0.94, "whole", "left", "left_most")),
    Broken("half of the heads needed", {"half"}, row=times(0.7, "left")),
    Broken("an order that does not matter", {"order"}, row=lambda row: {**row, "left_most": row["left"]}),
    always=ALWAYS,
)


def test_heads_go_in_the_order_in_which_they_are_missed():
    worth = {(0, 0): 3.0, (0, 1): 1.0, (1, 0): 2.0}

    def right(*out):
        return 6.0 - sum(worth[head] for head in out)

    assert head_pruning.taken_out(list(worth), right, max) == ([(0, 1), (1, 0), (0, 0)], [5.0, 3.0, 0.0])
    assert head_pruning.taken_out(list(worth), right, min) == ([(0, 0), (1, 0), (0, 1)], [3.0, 1.0, 0.0])


def test_a_model_is_whole_again_after_it_was_measured():
    with BREAKS.planted({}):
        model = trained_once(SMALL, 1)
        before = {name: parameter.value.copy() for name, parameter in model.parameters().items()}
        rows = list(head_pruning.measure_model(SMALL, 1, 1))
    for name, parameter in model.parameters().items():
        np.testing.assert_array_equal(parameter.value, before[name])
    assert [row["out"] for row in rows] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len({row["head"] for row in rows}) == 8
    assert rows[-1]["left"] == rows[-1]["left_most"], "without any head it is the same, whichever went first"


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(head_pruning)
    lost = [row["lost"] for row in found.rows]
    half, other = found.rows[3]["left"], found.rows[3]["left_most"]
    assert found.notes[0].text == (
        f"Without one head {np.median(lost):.1%} of answers is lost at the median, {max(lost):.0%} at most. Without "
        f"half of the heads, the least missed next, {half:.0%} is right; with the most missed next {other:.0%}."
    )
    assert found.plots[0].title == (
        f"With half of 8 heads out {half:.0%} is right, or {other:.0%}: it depends on which go"
    )
    assert found.question.answer == half
    assert found.question.explanation == f"With the most missed next it is {other:.2f}."


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(BadInput, match="heads must divide width, but 3 does not divide 32"):
        frame.run(head_pruning, head_pruning.Settings(heads=3), 0)


def test_the_same_seed_gives_the_same_result():
    tiny = head_pruning.Settings(heads=2, width=4, steps=2, models=1)
    assert frame.run(head_pruning, tiny, 4) == frame.run(head_pruning, tiny, 4)
