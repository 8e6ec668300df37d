"""Proves that a derivation can be judged: what is shown and every equal way holds, and every slip is named.

What a derivation owes: sizes that cannot coincide, targets of the shapes that are said, slips that are wrong on every
drawing and told from one another, at least two hints, and texts in ASCII.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import isqrt

import numpy as np

from lessons.practice.derive.derivation import Derivation, Slip
from lessons.practice.derive.judging import Attempt, alike, outcomes, same_outcomes
from lessons.practice.derive.working_out import Misfit


@dataclass(frozen=True)
class DerivationProof:
    """slips: their ids.  faults: sentences, none where all is well."""

    derivation: str
    slips: tuple[str, ...]
    equals: int
    drawings: int
    faults: tuple[str, ...]


def derivation_proof(derivation: Derivation) -> DerivationProof:
    slips = tuple(slip.id for slip in derivation.slips)
    found = list(_drawn(derivation))
    if not found:  # else nothing can be judged
        found += [*_right(derivation), *_wrong(derivation)]
    found += _texts(derivation)
    return DerivationProof(derivation.name, slips, len(derivation.equals), len(derivation.drawings), tuple(found))


def _drawn(derivation: Derivation) -> Iterator[str]:
    """Sizes, names and shapes."""
    for drawing in derivation.drawings:
        sizes = list(drawing.sizes.values())
        if len(set(sizes)) < len(sizes) or any(size < 3 or isqrt(size) ** 2 == size for size in sizes):
            yield f"sizes coincide or are squares: {dict(drawing.sizes)}"
        if drawing.truth.keys() != {target.name for target in derivation.targets}:
            yield f"the truth has {', '.join(drawing.truth)}"
            return
        for target in derivation.targets:
            shape = tuple(drawing.sizes[letter] for letter in target.axes.split())
            value = drawing.truth[target.name]
            if value.shape != shape or not np.isfinite(value).all() or not np.abs(value).max():
                yield f"the truth of {target.name} is {value.shape}, not finite or 0"
    for one, other in combinations(derivation.drawings, 2):
        if any(one.sizes[letter] == other.sizes[letter] for letter in derivation.axes):
            yield "an axis has one size in two drawings"
    names = [*derivation.axes, *(one.name for one in derivation.given), *(one.name for one in derivation.targets)]
    if len(set(names)) < len(names):
        yield "two things have one name"


def _right(derivation: Derivation) -> Iterator[str]:
    """What is shown finds every target from nothing; an equal way may use those that it does not find itself."""
    attempt = Attempt(derivation)
    for shown in derivation.shown:
        verdict = attempt.judge(shown.line)
        if not verdict.fine:
            yield f"what is shown does not hold: {shown.line}: {verdict.says}"
    if not attempt.passed:
        yield "what is shown does not find every target"
    for lines in derivation.equals:
        attempt = Attempt.knowing(derivation)
        for line in lines:
            verdict = attempt.judge(line)
            if not verdict.fine:
                yield f"an equal way does not hold: {line}: {verdict.says}"
        if not attempt.held:
            yield f"an equal way finds no target: {'; '.join(lines)}"


def _wrong(derivation: Derivation) -> Iterator[str]:
    if len({slip.id for slip in derivation.slips}) < len(derivation.slips):
        yield "two slips have one name"
    for slip in derivation.slips:
        target = derivation.target(slip.target)
        if target is None:
            yield f"{slip.id} is a line for {slip.target}, which is not looked for"
            continue
        for drawing, value in zip(derivation.drawings, outcomes(derivation, slip.line), strict=True):
            truth = drawing.truth[slip.target]
            if not isinstance(value, Misfit) and alike(value, truth, truth):
                yield f"{slip.id} holds on a drawing"
        verdict = Attempt.knowing(derivation, but=slip.target).judge(slip.line)
        if verdict.slip is not slip:
            yield f"{slip.id} is judged {verdict.kind}, and not named"
    for one, other in combinations(derivation.slips, 2):
        if one.target == other.target and derivation.target(one.target) and _same(derivation, one, other):
            yield f"{one.id} and {other.id} give the same on every drawing"


def _same(derivation: Derivation, one: Slip, other: Slip) -> bool:
    truths = [drawing.truth[one.target] for drawing in derivation.drawings]
    return same_outcomes(outcomes(derivation, one.line), outcomes(derivation, other.line), truths)


def _texts(derivation: Derivation) -> Iterator[str]:
    if len(derivation.hints) < 2 or not all(derivation.hints):
        yield "there are fewer than two hints"
    words = [derivation.title, derivation.about, derivation.learned, *derivation.hints, *derivation.axes.values()]
    words += [one.says for one in derivation.given] + [one.says for one in derivation.targets]
    words += [text for slip in derivation.slips for text in slip] + [
        text for shown in derivation.shown for text in shown
    ]
    if not all(words) or not all(text.isascii() for text in words):
        yield "a text is missing, or is not ASCII"
