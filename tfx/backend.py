"""The array backend: NumPy, or CuPy when the arrays already live on a graphics card.

`xp = xp_of(x)` looks at the array itself, so nothing depends on what happens to be installed, and CuPy is never
imported by accident: it is found through `sys.modules`.  This is the only file that knows where the two differ.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from tfx.errors import EnvironmentProblem

Array = Any  # numpy.ndarray or cupy.ndarray; both answer to the same calls used here

#: Array type -> module, for devices that are not NumPy.  The strict fake device of the tests registers itself here.
_DEVICE_MODULES: dict[type, Any] = {}
_REGISTERED: dict[str, Any] = {}  # the same modules, by the name of the device


def register_device(name: str, array_type: type, module: Any) -> None:
    """Makes `xp_of` return `module` for arrays of `array_type`, and `device_module` for the name."""
    _DEVICE_MODULES[array_type] = _REGISTERED[name] = module


def xp_of(*arrays: Array) -> Any:
    """The module whose functions work on these arrays: numpy, cupy or a registered device."""
    for array in arrays:
        module = _DEVICE_MODULES.get(type(array))
        if module is not None:
            return module
    cupy = sys.modules.get("cupy")
    if cupy is not None and any(isinstance(array, cupy.ndarray) for array in arrays):
        return cupy
    return np


def is_array(value: Any) -> bool:
    """True for an array of NumPy, CuPy or a registered device, and not for a plain number."""
    return isinstance(value, np.ndarray) or not on_host(value)


def on_host(array: Array) -> bool:
    """True when looking at the values costs nothing; reading from a graphics card would make it wait."""
    return xp_of(array) is np


def device_module(device: str) -> Any:
    """numpy for "cpu", cupy for "cuda".  Raises EnvironmentProblem when CuPy or a card is missing."""
    if device == "cpu":
        return np
    if device in _REGISTERED:
        return _REGISTERED[device]
    if device != "cuda":
        raise ValueError(f'device must be "cpu" or "cuda", not "{device}"')
    try:
        import cupy
    except ModuleNotFoundError:
        raise EnvironmentProblem(
            "--device cuda needs CuPy, which is not installed.", "Install it: pip install 'cupy-cuda12x[ctk]>=14'"
        ) from None
    except ImportError:
        raise EnvironmentProblem(
            "--device cuda needs CuPy, which is installed but does not load.", "See why: tfx doctor"
        ) from None
    if not cupy.cuda.is_available():
        raise EnvironmentProblem("--device cuda found no CUDA card.", "Use --device cpu, or see: tfx doctor")
    return cupy


def to_numpy(array: Array) -> np.ndarray:
    """Copies a device array to the host; a NumPy array is returned as it is."""
    return array.get() if hasattr(array, "get") else np.asarray(array)


def to_device(array: Array, xp: Any) -> Array:
    """The array where `xp` computes; the array itself when it is there already.  Uploading waits for nothing."""
    return to_numpy(array) if xp is np else xp.asarray(array)


def as_number(scalar: Array | float) -> Any:
    """A Python float; on a device the 0-d array, in float64, because looking at it makes the device wait: see `read`.

    Either goes on into sums and products with plain numbers, with the same result.
    """
    return float(scalar) if on_host(scalar) else scalar.astype("float64")  # type: ignore[union-attr]


def read(*numbers: Array | float) -> list[float]:
    """Python floats, whatever each of the numbers was.  The device waits once for all of them together."""
    there = [one for one in numbers if not on_host(one)]
    if not there:
        return [float(one) for one in numbers]
    xp = xp_of(*there)
    return [float(one) for one in to_numpy(xp.stack([xp.asarray(one, dtype="float64") for one in numbers]))]


def synchronize(xp: Any) -> None:
    """Returns when the device has done what was asked of it, so that it can be timed.  NumPy always has."""
    if hasattr(xp, "cuda"):
        xp.cuda.get_current_stream().synchronize()
