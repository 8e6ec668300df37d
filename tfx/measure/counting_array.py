"""Arrays that count what is done to them: multiply-adds inside matrix products, and bytes that joining copies.

A formula says what code should cost; this says what it does.  (tfx/measure/counting.py has the formulas.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tfx.params import Layer


class Counted:
    """What was done since `reset`.  copied_bytes: what concatenate and repeat wrote."""

    multiply_adds = 0
    copied_bytes = 0

    def reset(self) -> None:
        self.multiply_adds = self.copied_bytes = 0


#: All counting arrays count here.
counted = Counted()


class CountingArray(np.ndarray):
    """A NumPy array; whatever is computed from it counts too."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        plain = [x.view(np.ndarray) if isinstance(x, CountingArray) else x for x in inputs]
        if out is not None:
            kwargs["out"] = tuple(x.view(np.ndarray) if isinstance(x, CountingArray) else x for x in out)
        result = getattr(ufunc, method)(*plain, **kwargs)
        if ufunc is np.matmul and not any(
            x.ndim <= 2 and (x == 1).all() for x in plain
        ):  # those are sums: ops/basics/sums.py
            counted.multiply_adds += np.size(result) * plain[0].shape[-1]
        return result.view(CountingArray) if isinstance(result, np.ndarray) else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = super().__array_function__(function, types, args, kwargs)
        if function in (np.concatenate, np.repeat):
            counted.copied_bytes += result.nbytes
        return result.view(CountingArray) if isinstance(result, np.ndarray) else result


@contextmanager
def counting_in(model: Layer) -> Iterator[Counted]:
    """Inside, everything that this model computes is counted, from zero.  The model's parameters live on the host."""
    parameters = list(model.parameters().values())
    values = [parameter.value for parameter in parameters]
    for parameter, value in zip(parameters, values, strict=True):
        parameter.value = value.view(CountingArray)
    counted.reset()
    try:
        yield counted
    finally:
        for parameter, value in zip(parameters, values, strict=True):
            parameter.value = value
