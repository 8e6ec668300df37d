"""A model that counts from now on: see tfx/measure/counting_array.py."""

from __future__ import annotations

from tfx.measure.counting_array import CountingArray, counted
from tfx.params import Layer

__all__ = ["count_in", "counted"]


def count_in(model: Layer) -> None:
    """From now on everything that this model computes is counted."""
    for parameter in model.parameters().values():
        parameter.value = parameter.value.view(CountingArray)
    counted.reset()
