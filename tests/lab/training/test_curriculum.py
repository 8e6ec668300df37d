"""Orders of the same lengths: what differs is the order alone, and the controls are seen."""

from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.training import curriculum
from tfx.lab.training.curriculum import AGAIN, FULL, LONG, MIXED, ONLY, SHORT, lengths_of

PLACE = "tfx.lab.training.curriculum"
SMALL = curriculum.Settings(shortest=2, longest=5, steps=50, batch=8, seeds=4)


def instead_of(way, other):
    """The lengths of another way, where this one is asked for."""
    return {
        f"{PLACE}.lengths_of": lambda o: (
            lambda settings, asked, seed: o(settings, other if asked == way else asked, seed)
        )
    }


def better_again(row):
    """As measured, but for the second mixture, which gains more than half of all places in every model."""
    return {
        **row,
        "scores": [score + 0.6 * (row["way"] == AGAIN) * (1 + i / 10) for i, score in enumerate(row["scores"])],
    }


BREAKS = Table(
    SMALL,
    Broken(
        "a batch more, mixed",
        {"same-lengths"},
        row=lambda row: {**row, "tokens": row["tokens"] + (row["way"] == MIXED)},
    ),
    Broken(
        "twice as many tokens of full length",
        {"equal-tokens"},
        row=lambda row: {**row, "tokens": row["tokens"] * (1 + (row["way"] == FULL))},
    ),
    Broken("long sequences for the short ones", {"short-alone"}, instead_of(ONLY, FULL)),
    Broken("a mixture that always does better the second time", {"same-again"}, row=better_again),
)


def test_the_orders_have_the_same_lengths_and_end_as_they_say():
    short, mixed, long, again = (lengths_of(SMALL, way, 3) for way in (SHORT, MIXED, LONG, AGAIN))
    assert short == sorted(mixed) == sorted(again) == long[::-1] and mixed != again
    assert short[0] == 2 and short[24:] == [5] * 26
    assert max(lengths_of(SMALL, ONLY, 0)) < 5 and set(lengths_of(SMALL, FULL, 0)) == {5}


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(curriculum)
    rows = {row["way"]: row for row in found.rows}
    change = np.array(rows[SHORT]["scores"]) - rows[MIXED]["scores"]
    half = 3.1824 * change.std(ddof=1) / np.sqrt(4)  # Student's t at 97.5%, 3 degrees of freedom
    told = abs(change.mean()) > half
    verdict = f"the order makes it {'better' if change.mean() > 0 else 'worse'}" if told else "no difference is told"
    short, mixed, full = (np.mean(rows[way]["scores"]) for way in (SHORT, MIXED, FULL))
    assert found.notes[0].text == (
        f"Short first is right at {short:.1%} of places, mixed at {mixed:.1%}: {verdict}. The full length from the "
        f"start, for as many tokens: {full:.1%}."
    )
    assert found.question.answer == pytest.approx(np.mean(rows[LONG]["scores"]))
    best = max(("short first", short), ("mixed", mixed), ("full length", full), key=lambda one: one[1])
    assert found.plots[0].title == (
        f"At 5 tokens the best is {best[0]} ({best[1]:.0%}); short first minus mixed: {change.mean():+.3f} "
        f"({change.mean() - half:+.3f} .. {change.mean() + half:+.3f}, 4 seeds)"
    )


def test_lengths_that_shrink_are_refused():
    with pytest.raises(BadInput, match="grow from 6 tokens to 5"):
        frame.run(curriculum, replace(SMALL, shortest=6), 0)
