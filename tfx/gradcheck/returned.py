"""What goes into a check and what comes out of a backward, in one form: name -> float64 array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import to_numpy
from tfx.gradcheck.doubt import before_any_step, copied

ANOTHER = "a second backward on the same cache gave another gradient"


class Prepared(NamedTuple):
    """One forward and two backwards: everything that is compared with numeric derivatives later."""

    inputs: dict[str, Any]
    y: Any
    dy: np.ndarray
    gradients: dict[str, np.ndarray]
    problems: dict[str, str]  # input -> why its gradient cannot be compared at all
    doubt: str  # why nothing can be compared, or nothing


def prepare(
    forward: Callable[..., tuple[Any, Any]],
    backward: Callable[[Any, Any], Any],
    inputs: Mapping[str, Any],
    wrt: Sequence[str] | None,
    rng: np.random.Generator,
) -> Prepared:
    """Runs forward and, twice on one cache, backward with a random upstream gradient drawn from rng.

    Raises ValueError when wrt names no input, when forward does not return (y, cache), or when backward fails on a dy
    of y's shape or its gradients do not match wrt.
    """
    inputs = {name: as_float64(value) for name, value in inputs.items()}
    floats = [name for name, value in inputs.items() if _is_float(value)]
    wrt = floats if wrt is None else wrt
    unknown = [name for name in wrt if name not in inputs]
    if unknown or not inputs:
        raise ValueError(f"wrt must name some of the inputs {sorted(inputs)}, not {unknown or 'nothing'}")
    others = [f"{name} is {_kind(inputs[name])}" for name in (wrt or inputs) if name not in floats]
    if others:
        raise ValueError(f"only float arrays have gradients: {', '.join(others)}")
    given = copied(inputs)
    y, cache = result_and_cache(forward(**inputs))
    doubt = before_any_step(forward, inputs, given, y)
    inputs = inputs if not doubt else given
    dy = np.asarray(rng.standard_normal(np.shape(y)))
    upstream = float(dy) if np.ndim(y) == 0 else dy
    before = [array.copy() for array in arrays_in((upstream, cache))]
    gradients = _asked(backward, upstream, cache, wrt)
    changed = [not _equal(a, b) for a, b in zip(before, arrays_in((upstream, cache)), strict=False)]
    of_dy = np.ndim(y) > 0  # the first array is dy, unless y is a number
    overwritten = "dy" if of_dy and changed[0] else "what forward kept for it" if any(changed) else ""
    again = _asked(backward, dy.copy() if of_dy and changed[0] else upstream, cache, wrt)
    problems = {name: _problem(name, gradients[name], again[name], inputs[name]) for name in wrt}
    if overwritten:
        said = f"backward overwrites {overwritten}; let it work on a copy"
        problems = {name: said if words in ("", ANOTHER) else words for name, words in problems.items()}
    problems = {name: words for name, words in problems.items() if words}
    return Prepared(inputs, y, dy, gradients, problems, doubt)


def result_and_cache(returned: Any) -> tuple[Any, Any]:
    """What forward returned, as (y, cache).  Raises ValueError, with what it returned instead."""
    if not isinstance(returned, tuple | list):
        raise ValueError(f"forward returned {_kind(returned)} alone; it returns (y, cache), backward gets the cache")
    if len(returned) != 2:
        raise ValueError(f"forward returned {len(returned)} things; it returns (y, cache), the cache being one of them")
    y, cache = returned
    if isinstance(y, tuple | list):
        raise ValueError(f"forward gave {len(y)} outputs; join them to one array, (y, cache) is what it returns")
    if np.asarray(y).dtype.kind not in "fciub":
        raise ValueError(f"forward's y is {_kind(y)}; a gradient needs an array of floats")
    return y, cache


def arrays_in(cache: Any) -> list[np.ndarray]:
    """Every array in a cache: of tuples, lists and mappings, however deep."""
    if isinstance(cache, np.ndarray):
        return [cache]
    parts = cache.values() if isinstance(cache, Mapping) else cache if isinstance(cache, tuple | list) else ()
    return [array for part in parts for array in arrays_in(part)]


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def _asked(backward: Callable[[Any, Any], Any], dy: Any, cache: Any, wrt: Sequence[str]) -> dict[str, np.ndarray]:
    """Raises ValueError when dy does not fit what backward does with it."""
    try:
        gradients = backward(dy, cache)
    except ValueError as error:
        raise ValueError(f"backward fails on a dy of y's shape, {np.shape(dy)}: {error}") from error
    return by_name(gradients, wrt)


def _kind(value: Any) -> str:
    """`an integer array (int64)`, `a list`."""
    if value is None:
        return "nothing"
    if isinstance(value, np.ndarray):
        name = {"f": "a float", "i": "an integer", "u": "an integer", "b": "a boolean", "c": "a complex"}.get(
            value.dtype.kind, "another"
        )
        return f"{name} array ({value.dtype})"
    return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"


def as_float64(value: Any) -> Any:
    """Float arrays and floats as new float64 arrays; anything else (ids, masks) as it is."""
    if isinstance(value, float):
        return np.full((), value)
    return np.array(value, dtype=np.float64) if _is_float(value) else value


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def by_name(gradients: Any, wrt: Sequence[str]) -> dict[str, np.ndarray]:
    """Gradients in any usual form, as name -> array on the host.  Raises ValueError when one of wrt is missing."""
    if isinstance(gradients, Mapping):
        found = dict(gradients)
    elif hasattr(gradients, "_fields") and all(field.startswith("d") for field in gradients._fields):
        found = {field[1:]: value for field, value in zip(gradients._fields, gradients, strict=True)}
    else:
        several = gradients if isinstance(gradients, tuple | list) else (gradients,)
        given = [gradient for gradient in several if gradient is not None]
        if len(given) != len(wrt):
            raise ValueError(f"backward gave {len(given)} gradients for {len(wrt)} inputs: {', '.join(wrt)}")
        found = dict(zip(wrt, given, strict=True))
    missing = [name for name in wrt if found.get(name) is None]
    if missing:
        raise ValueError(f"backward gave no gradient for {', '.join(missing)}")
    return {name: to_numpy(found[name]) for name in wrt}


def _problem(name: str, gradient: np.ndarray, again: np.ndarray, x: np.ndarray) -> str:
    if gradient.shape != x.shape:
        return f"the gradient has shape {gradient.shape} but {name} has {x.shape}"
    if gradient.dtype != x.dtype:
        return f"the gradient is {gradient.dtype} but {name} is {x.dtype}"
    if not np.isfinite(gradient).all():
        return "the gradient has entries that are NaN or infinite"
    if not np.array_equal(gradient, again):
        return ANOTHER
    return ""
