"""Every layer and every model on a device that does not mix with the host, without making it wait once.

The registry's problems hand a layer its parameters by name, so uploading the inputs moves the whole layer.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from tests.strict_device import StrictArray, download, synced, upload, xp
from tfx.gradcheck import CASES
from tfx.gradcheck.returned import by_name
from tfx.params import Layer

#: Layers that ask the device for numbers, once a forward, and why nothing else will do.
ASKS: dict[str, str] = {
    "MixtureOfExperts": "how many tokens each expert gets is the shape of its batch; with keep, how many are real too",
    "HashExperts": "how many tokens each expert gets is the shape of its batch",
}

LAYERS = [case for case in CASES if "." in case.op]


def host_arrays_in(value, path="cache"):
    """Where host arrays with more than one number are in a cache: each would be copied to the device at every use."""
    if isinstance(value, np.ndarray) and value.size > 1:
        yield path
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from host_arrays_in(item, f"{path}.{name}")
    elif hasattr(value, "_fields"):
        for name, item in zip(value._fields, value, strict=True):
            yield from host_arrays_in(item, f"{path}.{name}")
    elif is_dataclass(value):
        for field in fields(value):
            yield from host_arrays_in(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from host_arrays_in(item, f"{path}[{number}]")


def moved(value):
    """Arrays to the device, inside tuples too."""
    if isinstance(value, tuple):
        items = [moved(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return upload(value)


def layers_in(thing):
    """The layer and every layer inside it."""
    if isinstance(thing, Layer):
        yield thing
        for attribute in vars(thing).values():
            yield from layers_in(attribute)
    elif isinstance(thing, list | tuple):
        for item in thing:
            yield from layers_in(item)


def problem_and_upstream(case):
    problem = case.build(np.random.default_rng(3))
    y, cache = problem.forward(**problem.inputs, **problem.fixed)
    dy = np.asarray(np.random.default_rng(4).standard_normal(np.shape(y)))
    return problem, y, cache, dy


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: f"{case.op}: {case.variant}")
def test_a_layer_runs_both_ways_on_the_device_without_waiting(case):
    problem, y, cache, dy = problem_and_upstream(case)
    names = [name for name, value in problem.inputs.items() if np.asarray(value).dtype.kind == "f"]
    want = by_name(problem.backward(dy if dy.ndim else float(dy), cache), names)
    inputs = {name: upload(value) for name, value in problem.inputs.items()}
    fixed = {name: moved(value) for name, value in problem.fixed.items()}
    problem.layer.to_device(xp)
    waits = synced.count
    y_there, cache_there = problem.forward(**inputs, **fixed)
    gradients = problem.backward(upload(dy) if dy.ndim else float(dy), cache_there)
    asks = sum(type(layer).__name__ in ASKS for layer in layers_in(problem.layer)) * (1 + ("keep" in problem.fixed))
    assert synced.count - waits <= asks, "something made the device wait"
    assert isinstance(y_there, StrictArray)
    np.testing.assert_allclose(download(y_there), y, rtol=1e-12, atol=1e-12)
    for name in names:
        assert isinstance(gradients[name], StrictArray), name
        np.testing.assert_allclose(download(gradients[name]), want[name], rtol=1e-11, atol=1e-11, err_msg=name)
    assert list(host_arrays_in(cache_there)) == []
