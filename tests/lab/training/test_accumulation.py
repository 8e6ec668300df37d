"""Accumulation: what breaks each check, and what is said is what was measured."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.training import accumulation
from tfx.lab.training.accumulation import BATCH_NORM, PLAIN, TOKENS, TOKENS_PLAIN, WAYS
from tfx.train.accumulation import split_rows

PLACE = "tfx.lab.training.accumulation"
SMALL = accumulation.Settings().quick()


def other_way(name, **change):
    return {f"{PLACE}.WAYS": lambda ways: {**ways, name: ways[name]._replace(**change)}}


def rounded_badly(row):
    return {**row, "largest": row["largest"] + 1e-9 * (row["way"] == "equal")}


def sixteen_rows(batch, parts):
    return split_rows(batch, 16)


BREAKS = Table(
    SMALL,
    Broken("one part", {"unequal", "unequal-tokens", "batch-norm"}, parts=1),
    Broken("equal parts, a little too long", {"equal"}, row=rounded_badly),
    Broken("unequal parts, not weighted", {"weighted"}, other_way("unequal, weighted", weighted=False)),
    Broken("a plain mean of padded parts", {"tokens"}, other_way(TOKENS, weighted=False)),
    Broken("divided after all", {"undivided"}, other_way("equal, not divided", divided=True)),
    Broken("equal parts for unequal ones", {"unequal"}, other_way(PLAIN, split=sixteen_rows)),
    Broken("padded text, weighted", {"unequal-tokens"}, other_way(TOKENS_PLAIN, weighted=True)),
    Broken("no batch norm", {"batch-norm"}, other_way(BATCH_NORM, batch_norm=False)),
    Broken(
        "rows counted, and a part too many", {"formula"}, {f"{PLACE}.counted": lambda o: lambda part: o(part) + 5}
    ),
)  # fmt: skip


def test_unequal_parts_hold_every_row_once_and_grow():
    batch = accumulation.drawn(WAYS[PLAIN], 64, np.random.default_rng(0))[2]
    parts = list(accumulation.unequal_parts(batch, 4))
    assert [len(part.labels) for part in parts] == [6, 13, 19, 26]
    np.testing.assert_array_equal(np.concatenate([part.x for part in parts]), batch.x)


def test_parts_that_do_not_divide_the_rows_are_refused():
    with pytest.raises(BadInput, match="parts must divide rows"):
        frame.run(accumulation, replace(SMALL, parts=3), 0)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(accumulation)
    error = {row["way"]: row["error"] for row in found.rows}
    smallest = max(row["largest"] for row in found.rows if row["way"] in ("equal", "unequal, weighted", TOKENS))
    assert found.notes[0].text == (
        f"Weighted by what they count, parts give the whole gradient to {smallest:.0e}. A plain mean of unequal parts "
        f"is off by {error[PLAIN]:.0%}, of padded text by {error[TOKENS_PLAIN]:.0%}, and batch norm by "
        f"{error[BATCH_NORM]:.0%}."
    )
    assert found.question.answer == 4
    assert found.plots[0].title == (
        f"Weighted by what they count, parts equal the whole to {smallest:.0e}; a plain mean of unequal "
        f"parts is off by {error[PLAIN]:.0%}"
    )


def test_the_model_is_the_same_in_whole_and_in_parts():
    """A gradient of nothing is nothing, and adding the parts' gradients leaves the model as it was."""
    model, loss, batch = accumulation.drawn(WAYS["equal"], 64, np.random.default_rng(1))
    gradients = functools.partial(accumulation.gradient, model, loss)
    np.testing.assert_array_equal(gradients([batch]), gradients([batch]))
    assert not gradients([]).any()
