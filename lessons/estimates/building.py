"""An estimate and the lines that build it, as one does it on paper: one number a line, from the top to the bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from lessons.estimate_answers import said, short
from lessons.quiz import EstimateCase, Wrong

T = TypeVar("T")
#: a sign ("" for the first number), the number, and what it is
Step = tuple[str, float, str]
_DO = {
    "": lambda _, x: x,
    "x": lambda y, x: y * x,
    "/": lambda y, x: y / x,
    "+": lambda y, x: y + x,
    "-": lambda y, x: y - x,
}


def pick(rng: np.random.Generator, several: Sequence[T]) -> T:
    """One of them, each as likely."""
    return several[int(rng.integers(len(several)))]


def length(rng: np.random.Generator, most: int, least: int = 0) -> int:
    """A number of tokens of which people speak, at most `most`."""
    known = (512, 1000, 1024, 2000, 2048, 3000, 4000, 4096, 6000, 8000, 8192, 16000, 16384, 32000, 32768, 64000, 131072)
    return pick(rng, [n for n in known if least <= n <= most])


def estimate(
    values: Mapping[str, object], answer: float, slips: Sequence[Wrong], unit: str, steps: Sequence[Step]
) -> EstimateCase:
    """answer: as the library counts it.  steps: what a person reckons, evaluated from the top."""
    total, lines = 0.0, []
    for sign, value, words in steps:
        total = _DO[sign](total, value)
        lines.append(f"  {sign:1} {short(value):>8}  {words}")
    lines.append(
        f"  = {short(total):>8}  {unit}" if said(total, unit) == f"{short(total)} {unit}" else _twice(total, unit)
    )
    if abs(total - answer) > 5e-4 * abs(answer):
        lines.append(f"  counted: {said(answer, unit)}")
    return EstimateCase(values, float(answer), tuple(slips), unit=unit, lines=tuple(lines))


def _twice(total: float, unit: str) -> str:
    return f"  = {short(total):>8}  {said(total, unit)}"
