"""A function on all inputs of an exercise: what it gives or raises, what it changes, and whether it stays the same.

It needs NumPy and the standard library alone: the child process loads this file by its path.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: taken before a learner's file is read, which may put others in their place
_shares, _asarray, _errstate, _finfo = np.shares_memory, np.asarray, np.errstate, np.finfo
_deepcopy, _ndarray = copy.deepcopy, np.ndarray
_INF = float("inf")
_NUMBER = (int, float, np.number, np.bool_)

#: numbers of one result, bits of one whole number, and letters of a message, that are looked at; no exercise gives as
#: many
MOST, BITS, LETTERS = 2_000_000, 10_000, 1_000


@dataclass
class Outcome:
    """Of one call.  value: what was returned, as arrays and plain objects; None where it raised.  raised: the type and
    the words of the exception.  changed: names of arguments that were written to.  shared: of those whose memory the
    result is in.  again: whether a second call, in another order, gave the same."""

    value: Any = None
    raised: tuple[str, str] | None = None
    changed: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    again: bool = True


def try_all(function: Callable[..., Any], calls: Sequence[dict[str, Any]], twice: bool = True) -> list[Outcome]:
    """Every call once, then once more in the opposite order."""
    found = [_try(function, arguments) for arguments in calls]
    if twice:
        for place in reversed(range(len(calls))):
            if found[place].raised is None:
                found[place].again = _again(found[place].value, _try(function, calls[place]).value, calls[place])
    return found


def _try(function: Callable[..., Any], arguments: dict[str, Any]) -> Outcome:
    given = _deepcopy(arguments)
    try:
        with _errstate(all="ignore"):
            value = function(**given)
        changed = tuple(name for name in arguments if not _same(arguments[name], given[name]))
        shared = tuple(
            name for name in arguments if any(_shares(a, b) for a in _arrays(given[name]) for b in _arrays(value))
        )
        return Outcome(kept(value), None, changed, shared)
    except SystemExit:
        raise
    except RecursionError as error:
        return Outcome(raised=("RecursionError", str(error)))
    except MemoryError:
        return Outcome(raised=("MemoryError", "more memory than an exercise may take"))
    except BaseException as error:
        return Outcome(raised=(_type(error), words(error)))


def words(error: BaseException) -> str:
    try:
        return str(error)[:LETTERS]
    except Exception:
        return ""


def kept(value: Any, inside: bool = False) -> Any:
    """A copy that nobody can change: arrays, numbers, text and tuples of these; anything else becomes its type's name.

    A list of numbers is an array, and so is a tuple of numbers inside of another one; a list that is no array, of texts or
    of unequal parts, is a tuple.
    """
    if isinstance(value, tuple | list):
        whole = inside or isinstance(value, list)
        if not value or (whole and all(isinstance(part, (*_NUMBER, list, tuple)) for part in value)):
            array = _numbers(value)
            if not isinstance(array, Strange):
                return array
        return tuple(kept(part, True) for part in value)
    if isinstance(value, dict):
        return {str(key): kept(part, True) for key, part in value.items()}
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) is int and value.bit_length() > BITS:
        return Strange(f"a whole number of {value.bit_length()} bits")
    if value is None or type(value) in (bool, int, float):
        return value
    return _numbers(value)


def _numbers(value: Any) -> Any:
    try:
        array = _asarray(value)
    except Exception:
        return Strange(_type(value))
    if array.size > MOST:
        return Strange(f"an array of {array.size:,} numbers")
    if array.dtype.char in "gG":  # long doubles have bytes that mean nothing and may be anything
        return array.astype(complex if array.dtype.char == "G" else float)
    if array.dtype.kind in "biufc":
        return array.copy()
    return Strange(f"an array of {array.dtype}" if isinstance(value, _ndarray) else _type(value))


def _type(value: Any) -> str:
    return str(type(value).__name__)[:LETTERS]


@dataclass(frozen=True)
class Strange:
    """What was returned is no array and no number."""

    type: str


def _arrays(value: Any) -> list[np.ndarray]:
    if isinstance(value, _ndarray):
        return [_asarray(value)]  # a subclass could answer for itself
    if isinstance(value, tuple | list):
        return [array for part in value for array in _arrays(part)]
    if isinstance(value, dict):
        return [array for part in value.values() for array in _arrays(part)]
    return []


def _again(one: Any, other: Any, arguments: dict[str, Any]) -> bool:
    """Whether a second call gave the same, up to the last digits: a sum in another order is rounded differently."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(_again(a, b, arguments) for a, b in zip(one, other, strict=True))
    if _same(one, other):
        return True
    if not _are_numbers(one, other):
        return False
    a, b = _asarray(one), _asarray(other)
    if a.shape != b.shape or a.dtype != b.dtype or a.dtype.kind not in "fc":
        return False
    sizes = [
        float(abs(array[abs(array) < _INF]).max(initial=0))
        for array in (a, *_arrays(arguments))
        if array.dtype.kind == "f"
    ]
    with _errstate(all="ignore"):
        near = abs(a - b) <= 50 * float(_finfo(a.dtype).eps) * max(sizes, default=0.0)
    return bool((near | (a == b) | ((a != a) & (b != b))).all())


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, (_ndarray, *_NUMBER)) for value in values)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, _ndarray) or isinstance(other, _ndarray):
        if not _are_numbers(one, other):
            return False
        a, b = _asarray(one), _asarray(other)
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        # bytes alone would not do: those that fill up a longdouble are not cleared
        return a.tobytes() == b.tobytes() or bool(((a == b) | ((a != a) & (b != b))).all())
    return bool(one == other or (one != one and other != other))
