"""In what a wrong array differs from the right one: a factor, a sign, a transpose, a sum, a term.

Each sentence is said only where it explains the numbers of every input on which the result is wrong, so that what fits
one example by chance is not said.  Gradients are what it was written for: constants, 1 / N, the cross term of a softmax
or a normalisation, a residual, a sum over the wrong axis or none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lessons.practice.comparing import Tolerance, differences

#: axes to sum over, and their words
SUMS: dict[str, Callable[[int], tuple[int, ...]]] = {
    "the last axis": lambda n: (n - 1,),
    "all axes but the last": lambda n: tuple(range(n - 1)),
    "the first axis": lambda n: (0,),
    "the last but one": lambda n: (n - 2,),
    "all axes": lambda n: tuple(range(n)),
}


Way = Callable[[str, Sequence["Case"]], Iterator[str]]


@dataclass(frozen=True)
class Case:
    """One input on which a result is wrong.  named: the arrays at hand, by name: arguments, and steps on the way.
    others: what is right for the other results.  sizes: words -> numbers by which one may multiply or divide.
    axis: along which the thing is done.  slopes: whether a gradient is asked for."""

    have: Any
    want: Any
    tolerance: Tolerance
    named: dict[str, Any] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)
    axis: int = -1
    slopes: bool = False

    def is_like(self, found: Any, wanted: Any = None) -> bool:
        """Whether an array is the one that was given (or `wanted`)."""
        wanted = self.have if wanted is None else wanted
        return np.shape(found) == np.shape(wanted) and not differences(found, wanted, self.tolerance).any()

    @property
    def tells(self) -> bool:
        """Whether there are enough numbers for a relation between them to mean something."""
        return self.want.size > 1 and self.large

    @property
    def large(self) -> bool:
        """Whether both arrays are more than rounding."""
        return all(np.abs(one).max(initial=0.0) > self.tolerance.least for one in (self.want, self.have))


def doctor(label: str, have: Any, want: Any) -> list[str]:
    """Of two arrays alone."""
    return explained(label, [Case(np.asarray(have), np.asarray(want), Tolerance(1e-9))])


def explained(label: str, cases: Sequence[Case], where: str = "everywhere") -> list[str]:
    """The first sentence that explains every case; none where no sentence does.  where: words for all of them."""
    if not all(map(_usable, cases)) or not _telling(cases):
        return []
    ways: tuple[Way, ...] = (turned, summed)
    if all(one.have.shape == one.want.shape for one in cases):
        ways = (exchanged, scaled, turned, summed, termed, multiplied, divided, crossed)
    if any(one.want.dtype.kind == "b" for one in cases):
        ways = (opposed, turned) if all(one.have.dtype.kind == "b" for one in cases) else ()
    cases = [
        replace(
            one, have=one.have.astype(float), want=one.want.astype(float),
            named={name: array for name, array in one.named.items() if name != label},
        )
        for one in cases
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        for way in ways:
            for says in way(label, cases):
                head, colon, tail = says.partition(": ")
                return [f"{label} {head}, {where}{colon}{tail}."]
    return []


def _telling(cases: Sequence[Case]) -> list[Case]:
    """Those that say something; of single numbers there have to be three, as each is a multiple of every other."""
    single = [one for one in cases if one.want.size == 1 and one.large]
    return [one for one in cases if one.tells] or (single if len(single) > 2 else [])


def _usable(case: Case) -> bool:
    numbers = all(one.dtype.kind in "biuf" for one in (case.have, case.want))
    return bool(numbers and np.isfinite(case.have).all() and np.isfinite(case.want).all())


def opposed(label: str, cases: Sequence[Case]) -> Iterator[str]:
    """True where False is right, everywhere."""
    if all(one.is_like(1 - one.want) for one in cases):
        yield "is the opposite of what is right: True where False belongs"


def scaled(label: str, cases: Sequence[Case]) -> Iterator[str]:
    """The sign, a constant factor, or one that depends on the sizes."""
    telling = _telling(cases)
    factors = [_factor(one) for one in telling]
    if not all(factors):
        return
    if np.ptp(factors) <= 1e-6 * abs(factors[0]):
        names = list(_names(CONSTANTS, factors[0]))
        here = list(_names(cases[0].sizes, factors[0])) if len(cases) == 1 else []
        if abs(factors[0] + 1) < 1e-6:
            yield "has the wrong sign: it is -1 times what is right"
        elif here:
            yield f"is {factors[0]:.6g} times what is right, {' or '.join(here[:2])} here"
        else:
            yield f"is {factors[0]:.6g} times what is right{f', {names[0]}' if names else ''}"
        return
    for sign in ("", "-"):
        fitting = [set(_names(one.sizes, f if not sign else -f)) for f, one in zip(factors, telling, strict=True)]
        for name in sorted(set.intersection(*fitting), key=len):
            yield f"is {sign}{name} times what is right"
            return


def _factor(case: Case) -> float:
    """By which all that is right was multiplied; 0 where there is no such number."""
    factor = float(case.have.ravel() @ case.want.ravel() / (case.want.ravel() @ case.want.ravel()))
    return factor if np.isfinite(factor) and case.is_like(factor * case.want) else 0.0


#: how a size becomes a factor
FORMS: dict[str, Callable[[float], float]] = {
    "sqrt({})": math.sqrt, "1 / sqrt({})": lambda n: 1 / math.sqrt(n), "{}": lambda n: n, "1 / {}": lambda n: 1 / n,
    "{0} / ({0} - 1)": lambda n: n / (n - 1), "({0} - 1) / {0}": lambda n: (n - 1) / n,
    "1 - {}": lambda n: 1 - n, "1 / (1 - {})": lambda n: 1 / (1 - n),
}  # fmt: skip


#: factors that do not depend on the input
CONSTANTS = {"log(2)": math.log(2), "log(10)": math.log(10), "sqrt(2)": math.sqrt(2), "pi": math.pi}


def _names(sizes: dict[str, float], factor: float) -> Iterator[str]:
    """Sizes, and what is made of them, that are this factor."""
    for name, size in sizes.items():
        for form, of in FORMS.items():
            try:
                value = of(size)
            except (ValueError, ZeroDivisionError):
                continue
            if abs(value - factor) <= 1e-6 * abs(factor):
                yield form.format(name)


def turned(label: str, cases: Sequence[Case]) -> Iterator[str]:
    """The transpose of the last two axes."""
    if all(one.want.ndim >= 2 and one.is_like(np.swapaxes(one.want, -1, -2)) for one in cases):
        yield "is the transpose of what is right"


def exchanged(label: str, cases: Sequence[Case]) -> Iterator[str]:
    """What another result should be."""
    for name in _shared(cases, "others"):
        if all(one.is_like(one.others[name]) for one in cases):
            yield f"is what {name} should be"


def summed(label: str, cases: Sequence[Case]) -> Iterator[str]:
    """Not summed, summed where it should not be, or over another axis."""
    for words, axes in SUMS.items():
        if all(one.have.ndim > one.want.ndim and one.is_like(_sum(one.have, axes), one.want) for one in cases):
            yield f"is not summed: with the sum over {words} it is right"
            return
        if all(one.want.ndim > one.have.ndim and one.is_like(_sum(one.want, axes)) for one in cases):
            yield f"is summed over {words}, where it should not be"
            return
    for name in _shared(cases, "named"):
        for words, axes in SUMS.items():
            if not all(one.is_like(_sum(one.named[name], axes), one.want) for one in cases):
                continue
            for other, instead in SUMS.items():
                if all(one.is_like(_sum(one.named[name], instead)) for one in cases):
                    yield f"is {name} summed over {other}, where the sum is over {words}"
                    return


def _sum(array: Any, axes: Callable[[int], tuple[int, ...]]) -> Any:
    some = axes(array.ndim)
    return array.sum(axis=some) if some and min(some) >= 0 else array


def termed(label: str, cases: Sequence[Case]) -> Iterator[str]:
    """A residual: a whole array that is missing, or that is there once too often."""
    for kind in ("named", "others"):
        for name in _shared(cases, kind):
            arrays = [getattr(one, kind)[name] for one in cases]
            if any(array.shape != one.want.shape for array, one in zip(arrays, cases, strict=True)):
                continue
            pairs = list(zip(cases, arrays, strict=True))
            if all(one.is_like(one.want - array) for one, array in pairs):
                yield f"lacks {name}, which is to be added (the residual)"
            elif all(one.is_like(one.want + array) for one, array in pairs):
                yield f"has {name} added once too often"


def multiplied(label: str, cases: Sequence[Case]) -> Iterator[str]:
    """A factor of one number each that is missing, or that is there once too often."""
    for name in _shared(cases, "named"):
        pairs = [(one, one.named[name]) for one in cases]
        if not all(_fits(array, one.want) for one, array in pairs) or not any(np.ptp(array) > 0 for _, array in pairs):
            continue
        if all(one.is_like(one.have * array, one.want) for one, array in pairs):
            yield f"lacks the factor {name}"
        elif all(one.is_like(one.want * array) for one, array in pairs):
            yield f"is multiplied by {name} once too often"


def _fits(array: Any, wanted: Any) -> bool:
    try:
        one_each = array.size > 1 or array.size == wanted.size
        return bool(one_each and np.broadcast_shapes(array.shape, wanted.shape) == wanted.shape)
    except ValueError:
        return False


def divided(label: str, cases: Sequence[Case]) -> Iterator[str]:
    """What is right, times a number of its own for each slice."""
    lost = any(((one.have == 0) & (one.want != 0)).any() for one in cases)  # such as an exp that underflows
    along = "" if lost or all(map(_factor, _telling(cases))) else _along(cases)
    if along and all(_level(one, one.want) for one in cases):
        yield f"is what is right times another number in each slice along {along}: look at what divides it"


def _along(cases: Sequence[Case]) -> str:
    """The axis in words; nothing where slices are too short to tell."""
    if any(one.want.ndim == 0 or abs(one.axis) > one.want.ndim for one in cases):
        return ""
    if not any(one.want.shape[one.axis] > 2 and one.tells for one in cases):
        return ""
    return "the last axis" if all(one.axis == -1 for one in cases) else "the axis"


def crossed(label: str, cases: Sequence[Case]) -> Iterator[str]:
    """The difference is one number for each slice, or that times an array at hand: a sum over the slice is missing."""
    along = _along(cases) if all(one.slopes for one in cases) else ""
    if not along:
        return
    if all(_level(one, np.ones(one.want.shape)) for one in cases):
        yield f"differs by one number for each slice along {along}: what is the same all along it, a sum or a mean, is missing or another"
        return
    for name in _shared(cases, "named"):
        if all(one.named[name].shape == one.want.shape and _level(one, one.named[name]) for one in cases):
            yield f"differs by {name} times one number for each slice along {along}: the inner sum (the cross term) is missing or another"
            return


def _level(case: Case, weights: Any) -> bool:
    """Whether the difference is `weights` times one number for each slice."""
    gap = case.have - case.want
    size = (weights * weights).sum(axis=case.axis, keepdims=True)
    share = (gap * weights).sum(axis=case.axis, keepdims=True) / np.where(size == 0, 1, size)
    scale = np.abs(case.want).max(initial=0) + np.abs(case.have).max(initial=0)
    return bool(np.abs(gap - share * weights).max(initial=0) <= max(case.tolerance.relative, 1e-9) * scale)


def _shared(cases: Sequence[Case], kind: str) -> list[str]:
    """Names that every case has."""
    return [name for name in getattr(cases[0], kind) if all(name in getattr(one, kind) for one in cases)]
