"""Counting what a cache keeps alive."""

from typing import Any, NamedTuple

import numpy as np

from tfx.measure.held_memory import held_bytes
from tfx.nn.linear import Linear


class Cache(NamedTuple):
    x: Any
    inner: Any


def test_every_array_in_named_tuples_lists_and_mappings_counts():
    a, b, c = np.zeros(3), np.zeros((2, 2), "float32"), np.zeros(5, bool)
    assert held_bytes(Cache(a, [b, {"mask": c}, None, 7, "text"])) == 24 + 16 + 5


def test_an_array_that_is_kept_twice_counts_once():
    a = np.zeros(10)
    assert held_bytes((a, a, [a])) == 80


def test_a_view_keeps_all_of_its_array_alive():
    a = np.zeros((10, 10))
    assert held_bytes(a[0, :2]) == held_bytes((a.T, a[3], a)) == 800


def test_parameters_live_anyway():
    layer = Linear(3, 4, np.random.default_rng(0), dtype="float64")
    x = np.zeros((5, 3))
    _, cache = layer.forward(x)
    assert held_bytes(cache) == x.nbytes + layer.w.value.nbytes
    assert held_bytes(cache, besides=layer) == x.nbytes
