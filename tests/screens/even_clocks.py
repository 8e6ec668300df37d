"""Clocks that go on by the same time whenever they are read, so that what is timed is the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

#: what reads a clock for something that a screen shows
TIMED = ("tfx.measure.stopwatch", "tfx.lab.sequences.sequence_layers", "tfx.lab.attention.pair_scores")


@contextmanager
def even_clocks() -> Iterator[None]:
    """Inside, what is timed takes the same time in every run."""
    with ExitStack() as clocks:
        for module in TIMED:
            clocks.enter_context(patch(f"{module}.thread_clock", Ticking))
        yield


class Ticking:
    """Every look takes five milliseconds."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 0.005
        return self.seconds
