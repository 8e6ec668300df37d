"""What a wrong line has in common with the right one: a constant factor, its transpose, a term that is missing.

Everything is said only where it is so on every drawing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from lessons.practice.derive.derivation import Drawing
from tfx.backend import Array

#: relative difference under which two factors, or two arrays, count as the same
NEAR = 1e-9
NUMBERS = {
    "2": 2.0,
    "3": 3.0,
    "4": 4.0,
    "1/2": 0.5,
    "1/3": 1 / 3,
    "1/4": 0.25,
    "sqrt(2)": 2**0.5,
    "1/sqrt(2)": 0.5**0.5,
}


def evidence_of(name: str, got: Sequence[Array], want: Sequence[Array], drawings: Sequence[Drawing]) -> Iterator[str]:
    """got, want: an array for each drawing, without axes of size 1 -> sentences."""
    if any(a.shape != b.shape for a, b in zip(got, want, strict=True)):
        turned = all(a.ndim == 2 and a.T.shape == b.shape and _near(a.T, b) for a, b in zip(got, want, strict=True))
        if turned:
            yield "it is the transpose of what is right."
        yield from _summed(name, got, want, drawings)
        return
    worst = np.unravel_index(int(np.argmax(np.abs(got[0] - want[0]))), got[0].shape)
    place = f"[{', '.join(str(number + 1) for number in worst)}]" if worst else ""
    counted = "counted from 1, " if place else ""
    yield f"{counted}{name}{place} is {got[0][worst]:.6g} on one drawing, and {want[0][worst]:.6g} is right."
    if all(np.abs(a).max(initial=0.0) <= NEAR * np.abs(b).max(initial=0.0) for a, b in zip(got, want, strict=True)):
        yield "it is 0 everywhere."
        return
    if factors := _factors(got, want):
        if not got[0].ndim:  # one number is always some number times another
            if much := factor_name(factors, drawings):
                yield f"it is {much} times what is right."
            return
        much = factor_name(factors, drawings) or "a number, another one on each drawing,"
        yield f"it is {much} times what is right, everywhere."
        return
    named = _missing_term(name, got, want, drawings)
    if named:
        yield named
        return
    yield from _along_axes(got, want, drawings)
    right = int(np.isclose(got[0], want[0], rtol=1e-8, atol=0).sum())
    if 0 < right < got[0].size:
        yield f"{right} of its {got[0].size} numbers are right."


def _summed(name: str, got: Sequence[Array], want: Sequence[Array], drawings: Sequence[Drawing]) -> Iterator[str]:
    """Whether only a sum over an axis is missing."""
    if got[0].ndim == want[0].ndim + 1:
        for axis in range(got[0].ndim):
            if all(a.sum(axis).shape == b.shape and _near(a.sum(axis), b) for a, b in zip(got, want, strict=True)):
                yield f"summed over {_letter(got[0].shape[axis], drawings[0])} it would be {name}."


def _near(one: Array, other: Array) -> bool:
    return bool(np.abs(one - other).max(initial=0.0) <= NEAR * np.abs(other).max(initial=1e-300))


def _factors(got: Sequence[Array], want: Sequence[Array]) -> list[float]:
    """By which number each drawing is off; none where it is no number."""
    found = []
    for a, b in zip(got, want, strict=True):
        square = float(np.sum(b * b))
        factor = float(np.sum(a * b)) / square if square else 0.0
        if not factor or not _near(a, factor * b):
            return []
        found.append(factor)
    return found


def factor_name(factors: Sequence[float], drawings: Sequence[Drawing]) -> str:
    """The number as a formula over sizes and given numbers, if one of few signs gives it on every drawing; else the
    number, if it is one; else nothing."""
    one: list[tuple[str, list[float]]] = []
    for letter in drawings[0].sizes:
        one += _powers(letter, [float(drawing.sizes[letter]) for drawing in drawings])
    for name, value in drawings[0].given.items():
        if value.ndim == 0:
            numbers = [float(drawing.given[name]) for drawing in drawings]
            one += _powers(name, numbers) + _powers(f"(1 - {name})", [1 - number for number in numbers])
    for letter in drawings[0].sizes:
        one += _powers(f"({letter} - 1)", [drawing.sizes[letter] - 1.0 for drawing in drawings])
    known = [("1", [1.0] * len(factors)), *((name, [value] * len(factors)) for name, value in NUMBERS.items()), *one]
    known += [
        (f"{a} * {b}", [x * y for x, y in zip(f, g, strict=True)]) for (a, f), (b, g) in product(one, one) if a < b
    ]
    for name, values in known:
        for sign in (1, -1):
            if all(abs(f - sign * v) <= NEAR * abs(f) for f, v in zip(factors, values, strict=True)):
                return name if sign > 0 else f"-{name}"
    if all(abs(f - factors[0]) <= NEAR * abs(f) for f in factors):
        return f"{factors[0]:.6g}"
    return ""


def _powers(name: str, values: Sequence[float]) -> list[tuple[str, list[float]]]:
    if min(values) <= 0:
        return []
    return [
        (form.format(name), [value**power for value in values])
        for form, power in (
            ("{}", 1),
            ("1/{}", -1),
            ("sqrt({})", 0.5),
            ("1/sqrt({})", -0.5),
            ("{}^2", 2),
            ("1/{}^2", -2),
        )
    ]


def _missing_term(target: str, got: Sequence[Array], want: Sequence[Array], drawings: Sequence[Drawing]) -> str:
    """Whether the difference is a given array, or the product of two, or one of what is looked for."""
    off = [b - a for a, b in zip(got, want, strict=True)]
    names = {
        name: [_of(drawing)[name] for drawing in drawings]
        for name in _of(drawings[0])
        if np.ndim(_of(drawings[0])[name]) and name != target
    }
    terms = dict(names)
    for one, other in product(names, names):
        if one <= other and names[one][0].shape == names[other][0].shape:
            terms[f"{one}*{other}"] = [a * b for a, b in zip(names[one], names[other], strict=True)]
    for name, values in terms.items():
        if values[0].shape == off[0].shape and (factors := _factors(off, values)):
            factor = factor_name(factors, drawings)
            if factor:
                sign, much = ("minus", factor[1:]) if factor[0] == "-" else ("plus", factor)
                term = name if much == "1" else f"{much} times {name}"
                return f"what is right is this {sign} {term}: is a term missing, or one too many?"
    return ""


def _of(drawing: Drawing) -> Mapping[str, Array]:
    return {**drawing.given, **drawing.truth}


def _along_axes(got: Sequence[Array], want: Sequence[Array], drawings: Sequence[Drawing]) -> Iterator[str]:
    """Whether the difference, or the ratio, is one number along some axis."""
    if got[0].ndim > 1 and all(_everywhere(b - a, b) for a, b in zip(got, want, strict=True)):
        yield "it is off by the same number everywhere."
        return
    for axis in range(got[0].ndim):
        letter = _letter(got[0].shape[axis], drawings[0])
        if all(_constant(b - a, axis, float(np.abs(b).max(initial=0.0))) for a, b in zip(got, want, strict=True)):
            yield f"along {letter} it is off by the same number everywhere: look at the term that has no axis {letter}."
        with np.errstate(all="ignore"):
            ratios = [a / b for a, b in zip(got, want, strict=True)]
        if all(np.isfinite(ratio).all() and _constant(ratio, axis, 1.0) for ratio in ratios):
            yield f"along {letter} it is off by the same factor everywhere: look at the factor that has no axis {letter}."


def _everywhere(x: Array, right: Array) -> bool:
    return _constant(x.ravel(), 0, float(np.abs(right).max(initial=0.0)))


def _constant(x: Array, axis: int, size: float) -> bool:
    return bool(np.ptp(x, axis=axis).max(initial=0.0) <= NEAR * max(size, float(np.abs(x).max(initial=0.0))))


def _letter(size: int, drawing: Drawing) -> str:
    return next((letter for letter, other in drawing.sizes.items() if other == size), str(size))
