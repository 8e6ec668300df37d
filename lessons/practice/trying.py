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
_shares, _asarray, _errstate, _deepcopy = np.shares_memory, np.asarray, np.errstate, copy.deepcopy
_NUMBER = (int, float, np.number, np.bool_)

#: numbers of one result, and bits of one whole number, that are looked at; no exercise gives as many
MOST, BITS = 2_000_000, 10_000


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
                found[place].again = _same(found[place].value, _try(function, calls[place]).value)
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
        return Outcome(raised=(type(error).__name__, words(error)))


def words(error: BaseException) -> str:
    try:
        return str(error)
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
        return Strange(type(value).__name__)
    if array.size > MOST:
        return Strange(f"an array of {array.size:,} numbers")
    if array.dtype.char in "gG":  # long doubles have bytes that mean nothing and may be anything
        return array.astype(complex if array.dtype.char == "G" else float)
    if array.dtype.kind in "biufc":
        return array.copy()
    return Strange(f"an array of {array.dtype}" if isinstance(value, np.ndarray) else type(value).__name__)


@dataclass(frozen=True)
class Strange:
    """What was returned is no array and no number."""

    type: str


def _arrays(value: Any) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [_asarray(value)]  # a subclass could answer for itself
    if isinstance(value, tuple | list):
        return [array for part in value for array in _arrays(part)]
    if isinstance(value, dict):
        return [array for part in value.values() for array in _arrays(part)]
    return []


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        a, b = _asarray(one), _asarray(other)
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        # bytes alone would not do: those that fill up a longdouble are not cleared
        return a.tobytes() == b.tobytes() or bool(((a == b) | ((a != a) & (b != b))).all())
    return bool(one == other or (one != one and other != other))
