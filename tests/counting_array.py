"""Arrays that count: multiply-adds inside matrix products, and bytes that concatenate and repeat copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.params import Layer


class Counted:
    """What was done since `reset`."""

    multiply_adds = 0
    copied_bytes = 0

    def reset(self) -> None:
        self.multiply_adds = self.copied_bytes = 0


counted = Counted()


class CountingArray(np.ndarray):
    """A NumPy array; whatever is computed from it counts too."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        plain = [x.view(np.ndarray) if isinstance(x, CountingArray) else x for x in inputs]
        if out is not None:
            kwargs["out"] = tuple(x.view(np.ndarray) if isinstance(x, CountingArray) else x for x in out)
        result = getattr(ufunc, method)(*plain, **kwargs)
        if ufunc is np.matmul:
            counted.multiply_adds += np.size(result) * plain[0].shape[-1]
        return result.view(CountingArray) if isinstance(result, np.ndarray) else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = super().__array_function__(function, types, args, kwargs)
        if function in (np.concatenate, np.repeat):
            counted.copied_bytes += result.nbytes
        return result.view(CountingArray) if isinstance(result, np.ndarray) else result


def count_in(model: Layer) -> None:
    """From now on everything that this model computes is counted."""
    for parameter in model.parameters().values():
        parameter.value = parameter.value.view(CountingArray)
    counted.reset()
