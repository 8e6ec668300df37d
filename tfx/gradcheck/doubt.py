"""Why a difference between a backward and the numeric derivative may say nothing about the backward.

A numeric derivative takes for granted that forward is one smooth function of float64 numbers, and that a step changes
its result by more than rounding does.  Where that fails, the check must not accuse: it says what it could not decide.

    steps         forward's result is integers
    not finite    forward's result holds infinity or NaN
    overwritten   forward changed an input, so that backward and differences speak of other numbers
    random        forward gives another result each time
    float32       forward's result has no more digits than float32
    rounding      the two differ by no more than the noise in forward, divided by the step
    kink          the slopes to both sides stay apart however short the step, and the gradient lies between
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfx.gradcheck.derivative import STEP, central_derivative, extrapolated

_EPS = float(np.finfo(np.float64).eps)
_NOISES = 16.0  # so many times the noise of one difference may end up in an extrapolated one
_LONGEST = 12  # 4^11 times the usual step is 2^14: enough for inputs of some millions
_QUARTERS = 14  # the shortest step at a kink is 2^-34
_STAY_APART = 0.5  # smooth: one-sided slopes come four times nearer with each step; at a kink they stay apart
_SINGLE = 1e-2  # as far as differences of float32 results can be off

Forward = Callable[..., tuple[Any, Any]]


def before_any_step(forward: Forward, inputs: Mapping[str, Any], given: Mapping[str, Any], y: Any) -> str:
    """What can be seen from two calls at the same place.  given: copies of the inputs from before the first call."""
    changed = [name for name, value in given.items() if not _same(inputs[name], value)]
    if changed:
        return f"forward overwrites {' and '.join(changed)}; let it work on a copy"
    again = forward(**copied(given))[0]
    if not _same(np.asarray(again), np.asarray(y)):
        return "forward gives another result each time; give it the same random numbers in every call"
    if not np.isfinite(y).all():
        return "forward's result is not finite here"
    if np.asarray(y).dtype.kind not in "fc":
        return f"forward's result is {np.asarray(y).dtype}, which moves in steps; let it compute in float64"
    if np.asarray(y).dtype.kind == "f" and np.asarray(y).dtype != np.float64:
        return f"forward's result is {np.asarray(y).dtype}, too few digits to tell; let it compute in float64"
    return ""


class SecondLook(NamedTuple):
    """numeric: the slope by the step that suits forward best.  doubt: why it may differ from a right gradient."""

    numeric: float
    doubt: str


def second_look(
    forward: Forward,
    inputs: Mapping[str, Any],
    name: str,
    direction: np.ndarray,
    dy: np.ndarray,
    analytic: float,
    tolerated: float,
) -> SecondLook:
    """The slope along `direction` once more, with steps of all lengths, and what may have spoilt it.

    tolerated: how far analytic and numeric slope may be apart without a reason.
    """
    with np.errstate(all="ignore"):  # a long step may leave the domain, and is not believed then
        y = np.asarray(forward(**inputs)[0])
        noise = _noise(forward, inputs, name, dy, y)
        difference = partial(central_derivative, forward, inputs, name, direction, dy)
        numeric, total = best_limit(difference, noise)
        apart = abs(analytic - numeric)
        if apart <= tolerated:
            return SecondLook(numeric, "")
        single = y.size > 1 and np.array_equal(y, y.astype(np.float32))
        if single and apart <= _SINGLE * max(abs(analytic), abs(numeric)):
            return SecondLook(numeric, "forward's result has no more digits than float32; let it compute in float64")
        flat = noise / STEP if abs(numeric) <= _NOISES * noise / STEP else 0.0  # backward rounds as forward does
        rounding = _NOISES * max(total, flat)
        if apart <= rounding:
            return SecondLook(numeric, f"rounding alone makes {rounding:.1e} of a difference, and they differ by less")
        if _between_two_slopes(forward, inputs, name, direction, dy, y, analytic, tolerated, noise):
            return SecondLook(numeric, "a kink: forward has one slope to the left of here and another to the right")
    return SecondLook(numeric, "")


def best_limit(difference: Callable[[float], float], noise: float) -> tuple[float, float]:
    """The limit of a difference, and its error: by the longest steps that still confirm the shorter ones.

    A step that is too long leaps over a bend and finds a slope of its own, with hardly any error.
    """
    step = STEP
    value, error = extrapolated(difference, step)
    total = error + noise / step
    for longer in STEP * 4.0 ** np.arange(1, _LONGEST):
        again, error = extrapolated(difference, longer)
        if not abs(again - value) <= _NOISES * total:
            break
        if error + noise / longer < total:
            value, total = again, error + noise / longer
    for shorter in (STEP / 16, STEP / 256):
        again, error = extrapolated(difference, shorter)
        if error + noise / shorter < total:
            value, total = again, error + noise / shorter
    return value, total


def _between_two_slopes(
    forward: Forward,
    inputs: Mapping[str, Any],
    name: str,
    direction: np.ndarray,
    dy: np.ndarray,
    y: np.ndarray,
    analytic: float,
    tolerated: float,
    noise: float,
) -> bool:
    """Whether the slopes to both sides stay apart as the step shrinks, as long as they can be told from noise."""
    before = math.inf
    for step in STEP * 4.0 ** -np.arange(_QUARTERS):
        slopes = []
        for by in (-step, step):
            moved = np.asarray(forward(**{**inputs, name: inputs[name] + by * direction})[0])
            slopes.append(float((dy * (moved - y)).sum()) / by)
        allowed = tolerated + _NOISES * noise / step
        apart = abs(slopes[1] - slopes[0])
        if apart <= allowed:
            return False
        if apart > _STAY_APART * before:
            return min(slopes) - allowed <= analytic <= max(slopes) + allowed
        before = apart
    return False


def copied(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with every array copied."""
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in inputs.items()}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    return True


def _noise(forward: Forward, inputs: Mapping[str, Any], name: str, dy: np.ndarray, y: np.ndarray) -> float:
    """How far sum(dy * y) moves when the input moves by its own last digit, and what adding it up loses."""
    others = [np.asarray(forward(**{**inputs, name: moved})[0]) for moved in _by_a_digit(inputs[name])]
    jitter = max(float(np.abs(dy * (other - y)).sum()) for other in others)
    return _EPS * float(np.abs(dy * y).sum()) + jitter


def _by_a_digit(x: np.ndarray) -> Iterator[np.ndarray]:
    """The numbers with their last digits moved by one or a few, each up or down, in several ways."""
    rng = np.random.default_rng(0)
    for by in (1, 1, 2, 2, 3, 3, 4, 4):
        yield x * (1 + by * _EPS * rng.choice((-1.0, 1.0), size=x.shape))
