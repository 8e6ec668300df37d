"""A cache is data: it can be asked by name, and have parts exchanged, without the model or the cache being touched."""

from typing import NamedTuple

import numpy as np
import pytest

from tfx.caches import arrays_by_name, exchanged
from tfx.models import PronounModel
from tfx.ops.attention.multi_head import MultiHeadCache


class Inner(NamedTuple):
    x: np.ndarray
    scale: float


class Outer(NamedTuple):
    first: Inner
    layers: tuple[Inner, ...]
    none: None


def outer() -> Outer:
    return Outer(Inner(np.arange(2.0), 0.5), (Inner(np.ones(3), 1.0), Inner(np.zeros(1), 2.0)), None)


def test_every_array_is_found_under_the_fields_that_lead_to_it():
    cache = outer()
    found = arrays_by_name(cache)
    assert list(found) == ["first.x", "layers.0.x", "layers.1.x"]
    assert found["layers.0.x"] is cache.layers[0].x


def test_an_exchanged_cache_shares_the_rest_and_leaves_the_old_one_alone():
    cache = outer()
    new = exchanged(cache, Inner, lambda inner: inner._replace(scale=inner.scale + 1))
    assert type(new) is Outer and [new.first.scale, *(layer.scale for layer in new.layers)] == [1.5, 2.0, 3.0]
    assert new.layers[1].x is cache.layers[1].x and cache.first.scale == 0.5


def test_what_a_model_computed_can_be_asked_for_by_name():
    model = PronounModel(11, d_model=8, n_heads=2, d_ff=12, dtype="float64")
    _, cache = model.forward(np.array([[1, 2, 3, 4, 5]]), np.array([2]))
    kept = arrays_by_name(cache)
    assert kept["blocks.1.attention.attention.q"] is cache.attention(1).q
    weights = kept["blocks.0.attention.attention.attend.softmax.y"]
    assert weights.shape == (1, 2, 5, 5) and weights.sum(axis=-1) == pytest.approx(1)


def test_parts_are_met_from_the_input_to_the_output():
    model = PronounModel(11, d_model=8, n_heads=2, d_ff=12)
    _, cache = model.forward(np.array([[1, 2, 3]]), np.array([1]))
    met: list[MultiHeadCache] = []
    exchanged(cache, MultiHeadCache, lambda part: met.append(part) or part)
    assert [part is block.attention for part, block in zip(met, cache.blocks, strict=True)] == [True, True]
