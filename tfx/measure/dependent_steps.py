"""Arrays that know how many matrix products, one after the other, they took: what no number of processors shortens.

    steps(A B) = 1 + max(steps(A), steps(B))         a matrix product waits for both of its factors
    steps(f(x, y)) = max(steps(x), steps(y))         whatever else is done belongs to a product before it

So the `steps` of a result is the longest chain of products that wait for each other, found by running the code: what
does not wait is done side by side.  An array is followed as a whole: a part of it has the steps of all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tfx.backend import register_device
from tfx.params import Layer


class StepArray(np.ndarray):
    """A NumPy array with `steps`, 0 at first; whatever is computed from it has them too."""

    steps: int

    def __array_finalize__(self, other: Any) -> None:
        self.steps = getattr(other, "steps", 0)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        plain = [_plain(x) for x in inputs]
        if out is not None:
            kwargs["out"] = tuple(_plain(x) for x in out)
        result = getattr(ufunc, method)(*plain, **kwargs)
        waits = most_steps((*inputs, *(out or ())))
        return _after(result, waits + (ufunc is np.matmul and not any(map(_adds_up, plain))), out)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = super().__array_function__(function, types, args, kwargs)
        return _after(result, most_steps((*args, *kwargs.values())))

    def __getitem__(self, key: Any) -> Any:
        return _after(super().__getitem__(key), max(self.steps, most_steps([key])))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_plain(key), _plain(value))
        self.steps = most_steps((self, key, value))


def following(array: Any, steps: int = 0) -> StepArray:
    """The same numbers, to be followed from here on."""
    followed = np.array(array).view(StepArray)
    followed.steps = steps
    return followed


@contextmanager
def following_in(model: Layer) -> Iterator[None]:
    """Inside, what this model computes is followed wherever its ids or inputs are.  Its parameters have no steps."""
    parameters = list(model.parameters().values())
    values = [(parameter.value, parameter.grad) for parameter in parameters]
    for parameter, (value, grad) in zip(parameters, values, strict=True):
        parameter.value, parameter.grad = value.view(StepArray), np.zeros_like(grad).view(StepArray)
    try:
        yield
    finally:
        for parameter, (value, grad) in zip(parameters, values, strict=True):
            parameter.value, parameter.grad = value, grad


def most_steps(values: Any) -> int:
    """Of the arrays among these values, also inside tuples and lists; 0 where there are none."""
    found = 0
    for value in values:
        if isinstance(value, StepArray):
            found = max(found, value.steps)
        elif isinstance(value, tuple | list):
            found = max(found, most_steps(value))
    return found


def _adds_up(factor: Any) -> bool:
    """Whether it is a bare vector of ones: such a product is a sum (ops/basics/sums.py)."""
    return factor.ndim <= 2 and factor.size == max(factor.shape, default=0) and bool((factor == 1).all())


def _plain(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, StepArray) else x


def _after(result: Any, steps: int, out: Iterable[Any] | None = None) -> Any:
    """The result with these steps; so are the arrays into which it was written."""
    for written in out or ():
        if isinstance(written, StepArray):
            written.steps = steps
    if isinstance(result, tuple | list):
        return type(result)(_after(part, steps) for part in result)
    if not isinstance(result, np.ndarray):
        return result
    followed = result.view(StepArray)
    followed.steps = steps
    return followed


class _Followed:
    """NumPy for followed arrays: what its functions make is followed, which NumPy's own asarray and zeros lose."""

    def __getattr__(self, name: str) -> Any:
        there = getattr(np, name)
        if isinstance(there, type) or not callable(there):
            return there
        return lambda *args, **kwargs: _after(there(*args, **kwargs), most_steps((*args, *kwargs.values())))


register_device("followed", StepArray, _Followed())
