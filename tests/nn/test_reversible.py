"""Reversible blocks: the input comes back, the gradients are the ordinary ones, memory does not grow with depth."""

import tracemalloc

import numpy as np
import pytest

from tfx.measure.held_memory import held_bytes
from tfx.nn.block_settings import StackSettings
from tfx.nn.reversible import ReversibleStack, Streams
from tfx.ops.attention.masks import causal_mask

RNG = np.random.default_rng
X, MASK = RNG(0).standard_normal((2, 5, 6)), causal_mask(5)
DY = RNG(1).standard_normal(X.shape)


def stack(n: int, dtype: str = "float64", **settings) -> ReversibleStack:
    made = ReversibleStack(StackSettings(6, 3, 8, n, dropout=0.3, dtype=dtype), RNG(2), **settings)
    for parameter in made.parameters().values():
        parameter.value += (0.1 * RNG(3).standard_normal(parameter.shape)).astype(dtype)
    return made


def gradients(layer: ReversibleStack) -> list[np.ndarray]:
    layer.zero_grad()
    y, cache = layer.forward(X, MASK, RNG(4))
    dx = layer.backward(DY, cache)
    return [y, dx, *(p.grad.copy() for p in layer.parameters().values())]


def test_the_block_is_its_published_formula():
    (block,) = stack(1).blocks
    x = Streams(X, DY)
    y, _ = block.forward(x, MASK)
    np.testing.assert_array_equal(y.first, x.first + block.f.forward(x.second, MASK)[0])
    np.testing.assert_array_equal(y.second, x.second + block.g.forward(y.first)[0])


def test_the_input_comes_back_from_the_output_under_dropout():
    (block,) = stack(1).blocks
    x = Streams(X, DY)
    y, _ = block.forward(x, MASK, seed=(7,))
    back, _ = block.undo(y, x, MASK, seed=(7,))
    for was, now in zip(x, back, strict=True):
        np.testing.assert_allclose(now, was, rtol=0, atol=1e-14)


def test_another_seed_brings_back_something_else():
    (block,) = stack(1).blocks
    y, _ = block.forward(Streams(X, DY), MASK, seed=(7,))
    back, _ = block.undo(y, y, MASK, seed=(8,))
    assert abs(back.first - X).max() > 0.1


@pytest.mark.parametrize("n", [1, 2, 6])
def test_gradients_equal_those_of_the_same_stack_that_keeps_everything(n):
    reversible, ordinary = gradients(stack(n)), gradients(stack(n, recompute=False))
    assert np.array_equal(reversible[0], ordinary[0])
    largest = max(abs(gradient).max() for gradient in ordinary[1:])  # the key's bias has gradient 0, plus rounding
    for a, b in zip(reversible, ordinary, strict=True):
        assert abs(a - b).max() <= 1e-12 * max(abs(b).max(), 1e-2 * largest)


def held(n: int, **settings) -> int:
    layer = stack(n, **settings)
    return held_bytes(layer.forward(X, MASK, RNG(5))[1], besides=layer)


def test_what_is_held_does_not_depend_on_the_depth():
    assert held(1) == held(2) == held(12)
    one, two, three = (held(n, recompute=False) for n in (1, 2, 3))
    assert three - two == two - one > X.nbytes, "the ordinary stack grows by the same amount with every block"


def test_what_is_held_is_both_streams_the_mask_and_the_last_norm():
    layer = stack(4)
    _, cache = layer.forward(X, MASK, RNG(5))
    assert held_bytes(cache, besides=layer) == 2 * X.nbytes + MASK.nbytes + held_bytes(cache.norm, besides=layer)


def allocated(n: int, **settings) -> int:
    layer = ReversibleStack(StackSettings(24, 3, 32, n, dtype="float64"), RNG(2), **settings)
    x = RNG(0).standard_normal((4, 32, 24))
    layer.forward(x[:1])  # once, for what is allocated only once
    tracemalloc.start()
    y, cache = layer.forward(x)
    layer.backward(y, cache)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_python_measures_the_same():
    assert allocated(12) < 1.05 * allocated(3)
    assert allocated(12, recompute=False) > 2.5 * allocated(3, recompute=False) > 2.5 * allocated(3)
    assert allocated(12, recompute=False) > 4 * allocated(12)


def test_rounding_grows_with_depth_and_stays_small():
    """Errors of float32, against the same network in float64."""

    def error(n: int) -> float:
        x = Streams(X.astype("float32"), X.astype("float32"))
        y, layer = x, stack(n, "float32")
        for block in layer.blocks:
            y, _ = block.forward(y, MASK)
        for block in reversed(layer.blocks):
            y, _ = block.undo(y, y, MASK)
        return float(abs(y.first - x.first).max())

    assert 0 < error(2) < error(60) < 1e-3


def test_two_calls_draw_different_masks_and_one_call_draws_them_twice():
    layer, rng = stack(2), RNG(6)
    first, second = layer.forward(X, MASK, rng), layer.forward(X, MASK, rng)
    assert first[1].seed != second[1].seed and not np.array_equal(first[0], second[0])
    assert np.array_equal(layer.backward(DY, first[1]), layer.backward(DY, first[1]))


def test_a_changed_future_token_changes_no_earlier_output():
    layer, changed = stack(3), X.copy()
    changed[:, 3] += 1
    same = layer.forward(X, MASK)[0] == layer.forward(changed, MASK)[0]
    assert same[:, :3].all() and not same[:, 3:].all(axis=-1).any()


def test_float32_stays_float32():
    layer, x = stack(2, "float32"), X.astype("float32")
    y, cache = layer.forward(x, MASK, RNG(9))
    assert y.dtype == layer.backward(y, cache).dtype == "float32"
