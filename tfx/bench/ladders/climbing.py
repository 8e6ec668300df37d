"""Climbing a ladder: every rung computes what the one before computes.  For benchmarks, and for lessons to tell.

    for step in rung_steps("softmax"):
        yield step              # words, then the function, then the check that it agrees with the rung before

Nothing is timed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tfx.bench.ladders import Ladder, Rung, ladder
from tfx.measure.progress import Progress, silent
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_most
from tfx.records import Check

#: Rungs add the same numbers in another order: they may differ by this many roundings of the largest number.
ROUNDINGS = 200


class Climb(NamedTuple):
    """What was found on the way up: per rung its largest relative difference to the rung before, None for the first."""

    differences: tuple[float | None, ...]
    calls: dict[str, Callable[[], Any]]


def rung_steps(
    name: str, size: int | None = None, dtype: str = "float64", seed: int = 0
) -> Iterator[str | Callable[..., Any] | Check]:
    """For every rung: its words, its function, and from the second on a Check that it equals the one before.

    size: as the ladder counts; small enough for loops unless told.  Each rung runs when its Check is asked for.
    Raises BadInput for a name that no ladder has.
    """
    climbed = ladder(name)
    size = climbed.sizes.quick if size is None else size
    before: tuple[Rung, np.ndarray] | None = None
    for rung in climbed.rungs:
        yield words(rung)
        yield rung.function
        result, _ = climb_rung(climbed, rung, size, dtype, seed)
        if before:
            yield same_check(before[0], rung, largest_difference(result, before[1]), dtype)
        before = rung, result


def words(rung: Rung) -> str:
    """`In place. One array, written again and again. Nothing is allocated.`"""
    return " ".join(filter(None, (f"{rung.name[0].upper()}{rung.name[1:]}.", rung.change, rung.why, rung.price)))


def shapes(name: str, size: int | None = None) -> str:
    """What every rung gets and gives, from one real call: `(128, 512) -> (128, 512)`."""
    climbed = ladder(name)
    size = climbed.sizes.quick if size is None else size
    arrays = [given for given in inputs_of(climbed, size, "float64", 0) if isinstance(given, np.ndarray)]
    result, _ = climb_rung(climbed, climbed.rungs[-1], size, "float64", 0)
    return f"{', '.join(str(array.shape) for array in arrays)} -> {result.shape}".lstrip()


def inputs_of(ladder: Ladder, size: int, dtype: str, seed: int) -> tuple[Any, ...]:
    """The same numbers for every rung; each gets its own copy, because an optimiser writes to its model."""
    return ladder.inputs(size, np.dtype(dtype), generator(seed))


def climb(
    ladder: Ladder, rungs: Sequence[Rung], size: int, dtype: str, seed: int, progress: Progress = silent
) -> Climb:
    """Runs every rung and compares it with the one before."""
    differences: list[float | None] = []
    calls: dict[str, Callable[[], Any]] = {}
    before: np.ndarray | None = None
    for done, rung in enumerate(rungs):
        progress(done, len(rungs), "comparing")
        result, call = climb_rung(ladder, rung, size, dtype, seed)
        differences.append(None if before is None else largest_difference(result, before))
        before = result
        calls[rung.name] = call
    return Climb(tuple(differences), calls)


def climb_rung(ladder: Ladder, rung: Rung, size: int, dtype: str, seed: int) -> tuple[np.ndarray, Callable[[], Any]]:
    """What the rung computes, and the call that computed it."""
    call = ladder.start(rung.function, inputs_of(ladder, size, dtype, seed))
    for _ in range(ladder.calls):
        returned = call()
    return ladder.read(returned), call  # a copy: the next call of an optimiser moves the numbers themselves


def largest_difference(result: np.ndarray, before: np.ndarray) -> float:
    """max |result - before| / max |before|; NaN when shapes or dtypes differ."""
    if result.shape != before.shape or result.dtype != before.dtype:
        return float("nan")
    scale = float(np.abs(before).max(initial=0.0))
    return float(np.abs(result - before).max(initial=0.0)) / (scale or 1.0)


def same_checks(rungs: Sequence[Rung], differences: Sequence[float | None], dtype: str) -> tuple[Check, ...]:
    """Each rung computes what the one before computes, to rounding or to what its approximation may cost."""
    return tuple(
        same_check(before, rung, difference, dtype)
        for (before, rung), difference in zip(pairwise(rungs), differences[1:], strict=True)
    )


def same_check(before: Rung, rung: Rung, difference: float | None, dtype: str) -> Check:
    return at_most(
        f"same-{rung.name.replace(' ', '-')}",
        f'"{rung.name}" agrees with "{before.name}", relative difference',
        max(ROUNDINGS * float(np.finfo(dtype).eps), rung.unlike),
        float("nan") if difference is None else difference,
    )
