"""Joined and mapped is mapped and added, forward and backward; with few features not every table can be added."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tfx.lab import frame
from tfx.lab.position import concat_vs_add

PLACE = "tfx.lab.position.concat_vs_add"
SMALL = concat_vs_add.Settings(width=12, features=(1, 3, 12), tokens=10, texts=2)


def forgets_the_other_texts(original):
    """A position that is learned from the first text alone."""
    return lambda dy, cache: (original(dy, cache)[0], original(dy[:1], cache)[1])


BREAKS = Table(
    SMALL,
    Broken("a norm over both before the map", {"outputs", "gradients"}, norm=True),
    Broken(
        "positions of one place later",
        {"outputs", "gradients", "plain"},
        planted={f"{PLACE}.concat_positions_forward": lambda o: lambda x, p: o(x, np.roll(p, 1, axis=0))},
    ),
    Broken(
        "learned from one text",
        {"gradients"},
        planted={f"{PLACE}.add_positions_backward": forgets_the_other_texts},
    ),
    Broken("a plain addition of something else", {"plain"}, row=lambda row: {**row, "plain": 0.1}),
    Broken("outputs that differ", {"outputs"}, row=lambda row: {**row, "outputs": 1e-9}),
    Broken("a rank more", {"rank"}, row=lambda row: {**row, "rank": row["rank"] + 1}),
    Broken("as if nothing were lost", {"fewer-lose"}, row=lambda row: {**row, "share": 1.0}),
)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(concat_vs_add, SMALL, seed)
    assert all(check.holds for check in found.checks), found.checks


def test_both_ways_are_the_bare_formula():
    rng = np.random.default_rng(0)
    x, p, w = rng.standard_normal((2, 4, 3)), rng.standard_normal((4, 2)), rng.standard_normal((5, 3))
    dy = rng.standard_normal(x.shape)
    bare = np.concatenate([x, np.stack([p, p])], axis=-1) @ w
    for way in (concat_vs_add.joined_way, concat_vs_add.added_way):
        found = way(x, p, w, dy)
        np.testing.assert_allclose(found["y"], bare, atol=1e-14)
        np.testing.assert_allclose(found["dp"], (dy @ w[3:].T).sum(axis=0), atol=1e-14)


def test_features_as_many_as_tokens_can_add_any_table():
    row = concat_vs_add.measure_row(SMALL, 10, np.random.default_rng(1))
    assert row["share"] == pytest.approx(1.0) and row["rank"] == 10


def test_what_is_said_is_what_was_measured():
    found = frame.run(concat_vs_add, SMALL, 0)
    first, last = found.rows[0], found.rows[-1]
    outputs = max(row["outputs"] for row in found.rows)
    assert found.notes[0].text == (
        f"Outputs joined and mapped, or mapped and added: they differ by at most {outputs:.1g}. A position of "
        f"width 1 can add {first['share']:.0%} of a random table, one of width 12 {last['share']:.0%}."
    )
    assert found.plots[0].title == (
        f"A position of width 1 beside the token can add {first['share']:.0%} of a random table, one of width 12 100%"
    )
    assert found.question.answer == 15 * 12 and found.question.explanation == "It is (12 + 3) x 12."


def test_what_was_normalised_is_not_called_joined_and_mapped():
    found = BREAKS.run(concat_vs_add, BREAKS.broken[0])
    assert found.notes[0].text.startswith("Outputs after a norm over both: they differ by at most ")
