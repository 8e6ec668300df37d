"""Checkpointing: the counts are known, each check notices what is taken from it, and time is only reported."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, times
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.training import checkpointing
from tfx.measure.measuring import Timing
from tfx.measure.stopwatch import TOO_BUSY

PLACE = "tfx.lab.training.checkpointing"


class KeepsTwo(checkpointing.Thin):
    def forward(self, x, mask=None, rng=None):
        y, cache = super().forward(x)
        return y, (cache, y.copy())

    def backward(self, dy, cache):
        return super().backward(dy, cache[0])


def clock(seconds):
    return {
        "tfx.measure.stopwatch.Stopwatch.in_turns": instead(
            lambda self, calls, *rest: {name: Timing(*seconds[name]) for name in calls}
        )
    }


BREAKS = Table(
    checkpointing.Settings(layers=9, segments=(1, 3, 9), length=24, width=16),
    Broken(
        "another input, computed again",
        {"same-bits"},
        {f"{PLACE}.there_and_back": lambda o: lambda stack, x, dy: o(stack, 1.001 * x, dy)},
    ),
    Broken("blocks that are computed three times", {"one-more-forward"}, row=times(1.5, "forwards")),
    Broken("layers that keep two arrays", {"thin", "root"}, {f"{PLACE}.Thin": instead(KeepsTwo)}),
    Broken("no segments near the root", {"root"}, segments=(1, 9)),
    Broken("a block whose input counts twice", {"thick"}, row=lambda row: {**row, "thick": row["thick"] + 1}),
    Broken("a peak that is twice as high", {"python"}, {f"{PLACE}.peak_bytes": lambda o: lambda call: 2 * o(call)}),
    always=clock({"plain": (2.0, 0.0), "again": (3.0, 0.0)}),
)


@pytest.mark.parametrize("seed", range(2))
def test_all_checks_hold(seed):
    found = frame.run(checkpointing, checkpointing.Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_what_is_said_is_what_was_counted():
    found = BREAKS.run(checkpointing)
    kept = found.rows[0]["kept"]
    share = (9 + kept - 1) / (9 * kept)
    assert found.question.answer == 6 == 2 * np.sqrt(9)
    assert found.notes[0].text == (
        f"9 thin layers hold 6 arrays in segments of 3. Transformer blocks, which keep {kept:.1f} each, hold least in "
        f"segments of 1: {share:.0%} of a plain stack, in 1.50 times the time."
    )
    core, rest = 4 * 2048**2 * 1024, 24 * 2048 * 1024**2  # projections 8 n d^2, feed-forward 16 n d^2
    assert f"{core / (3 * (core + rest)):.1%} more products" in found.notes[3].text
    assert [plot.title for plot in found.plots] == [
        "9 layers that keep one array: fewest are held in segments of 3, near sqrt(9)",
        f"9 Transformer blocks that keep {kept:.0f} arrays: fewest in segments of 1, {share:.0%} of all",
    ]


def test_a_time_that_scatters_more_than_it_differs_is_not_spoken_of():
    with BREAKS.planted(clock({"plain": (2.0, 0.5), "again": (2.2, 0.5)})):
        found = frame.run(checkpointing, BREAKS.settings, 0)
    assert found.notes[0].text.endswith(f"time: {TOO_BUSY}.")
    assert all(check.holds for check in found.checks)


def test_a_segment_longer_than_the_stack_is_refused():
    with pytest.raises(BadInput, match="a segment has at most all 4 blocks, but segments has 16"):
        frame.run(checkpointing, checkpointing.Settings(layers=4), 0)
