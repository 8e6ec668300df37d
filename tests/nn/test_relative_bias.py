"""Layers that make a bias for attention."""

import math

import numpy as np
import pytest

from tfx.nn.attention import AttentionParts, MultiHeadAttention
from tfx.nn.dynamic_position_bias import DynamicPositionBias
from tfx.nn.relative_bias import AlibiBias, GridRelativeBias, RelativeBias, SandwichBias
from tfx.ops.attention.masks import causal_mask
from tfx.ops.positions.alibi import alibi_bias
from tfx.ops.positions.grid_offsets import grid_offset_numbers
from tfx.ops.positions.relative_buckets import bucket_bias_backward, bucket_bias_forward, relative_buckets
from tfx.ops.positions.sandwich import sandwich_bias

H, LIKE = 3, np.zeros(0)


def rng():
    return np.random.default_rng(0)


LINES = {
    "alibi": lambda: AlibiBias(H, causal=True),
    "sandwich": lambda: SandwichBias(H, 16),
    "buckets": lambda: RelativeBias(H, rng(), dtype="float64"),
    "causal buckets": lambda: RelativeBias(H, rng(), bidirectional=False, dtype="float64"),
    "dynamic": lambda: DynamicPositionBias(H, 8, rng(), dtype="float64"),
    "continuous": lambda: DynamicPositionBias(H, 8, rng(), "continuous", dtype="float64"),
}
every_line = pytest.mark.parametrize("build", LINES.values(), ids=LINES)


@every_line
def test_the_bias_depends_on_the_offset_only(build):
    bias, _ = build().forward(9, 9, 0, LIKE)
    assert bias.shape == (H, 9, 9)
    np.testing.assert_allclose(bias[:, 1:, 1:], bias[:, :-1, :-1], atol=1e-13)
    assert np.ptp(bias[:, 5, :6]) > 0


@every_line
def test_the_rows_behind_stored_keys_are_the_last_rows_of_all(build):
    layer = build()
    np.testing.assert_allclose(layer.forward(2, 9, 7, LIKE)[0], layer.forward(9, 9, 0, LIKE)[0][:, 7:], atol=1e-13)


@every_line
def test_reading_in_pieces_with_stored_keys_equals_reading_at_once(build):
    layer = MultiHeadAttention(4 * H, H, rng(), dtype="float64", parts=AttentionParts(position_bias=build()))
    x = rng().standard_normal((2, 7, 4 * H))
    whole, _ = layer.forward(x, mask=causal_mask(7))
    past, done = None, 0
    for size in (3, 1, 2, 1):
        y, cache = layer.forward(x[:, done : done + size], mask=causal_mask(size, past=done), past=past)
        np.testing.assert_allclose(y, whole[:, done : done + size], atol=1e-12)
        past, done = cache.present, done + size


def test_alibi_and_sandwich_are_their_operations_and_have_no_parameters():
    assert np.array_equal(AlibiBias(H).forward(4, 6, 2, LIKE)[0], alibi_bias(H, 4, 6, 2))
    assert np.array_equal(AlibiBias(H, True).forward(4, 6, 2, LIKE)[0], alibi_bias(H, 4, 6, 2, causal=True))
    assert np.array_equal(SandwichBias(H, 10).forward(4, 6, 2, LIKE)[0], sandwich_bias(H, 4, 6, 2, width=10))
    assert AlibiBias(H).parameters() == SandwichBias(H).parameters() == {}
    assert AlibiBias(H).forward(4, 6, 2, np.zeros(0, "float32"))[0].dtype == np.float32


@pytest.mark.parametrize("bidirectional", [True, False])
def test_asking_once_for_each_offset_equals_asking_for_each_pair(bidirectional):
    layer = RelativeBias(H, rng(), 8, 6, bidirectional, "float64")
    bias, cache = layer.forward(5, 12, 7, LIKE)
    buckets = relative_buckets(5, 12, 8, 6, bidirectional, past=7)
    want, pairs = bucket_bias_forward(layer.table.value, buckets)
    assert np.array_equal(bias, want)
    dbias = rng().standard_normal(bias.shape)
    layer.backward(dbias, cache)
    np.testing.assert_allclose(layer.table.grad, bucket_bias_backward(dbias, pairs), atol=1e-14)


def test_blocks_that_share_one_bias_add_up_their_gradients():
    shared = RelativeBias(H, rng(), dtype="float64")
    blocks = [
        MultiHeadAttention(4 * H, H, rng(), dtype="float64", parts=AttentionParts(position_bias=shared))
        for _ in range(2)
    ]
    x = rng().standard_normal((2, 5, 4 * H))
    grads = []
    for block in blocks:
        shared.zero_grad()
        block.backward(np.ones_like(x), block.forward(x)[1])
        grads.append(shared.table.grad.copy())
    shared.zero_grad()
    for block in blocks:
        block.backward(np.ones_like(x), block.forward(x)[1])
    assert grads[0].any()
    np.testing.assert_allclose(shared.table.grad, grads[0] + grads[1], atol=1e-14)


def test_a_table_for_a_grid_gives_equal_offsets_equal_biases():
    layer = GridRelativeBias(2, 3, H, rng(), "float64")
    assert layer.table.shape == (15, H)
    bias, _ = layer.forward(6, 6, 0, LIKE)
    numbers = grid_offset_numbers(2, 3)
    for a in range(6):
        for b in range(6):
            assert np.array_equal(bias[:, a, b], layer.table.value[numbers[a, b]])
    assert bias[0, 0, 1] == bias[0, 4, 5] and bias[0, 0, 1] != bias[0, 0, 3]


@pytest.mark.parametrize("grid", [None, (2, 3)])
def test_the_continuous_network_reads_offsets_on_a_logarithmic_scale(grid):
    layer = DynamicPositionBias(H, 8, rng(), "continuous", grid, dtype="float64")
    w1, b1, w2 = (p.value for p in layer.parameters().values())
    bias, _ = layer.forward(6, 6, 0, LIKE)
    for i in range(6):
        for j in range(6):
            offset = [j - i] if grid is None else [j // 3 - i // 3, j % 3 - i % 3]
            scaled = np.array([math.copysign(math.log(1 + abs(o)), o) for o in offset])
            np.testing.assert_allclose(bias[:, i, j], np.maximum(scaled @ w1 + b1, 0) @ w2, atol=1e-14)


def test_the_dynamic_network_is_three_stages_behind_a_linear_map():
    layer = DynamicPositionBias(H, 8, rng(), grid=(2, 3), dtype="float64")
    values = [p.value for p in layer.parameters().values()]
    w, b, norms, linears = values[0], values[1], values[2:8], values[8:]
    bias, _ = layer.forward(6, 6, 0, LIKE)
    x = np.array([1, -1]) @ w + b  # from place 1, row 0 and column 1, to place 3, row 1 and column 0
    for n in range(3):
        normed = (x - x.mean()) / np.sqrt(x.var() + 1e-5) * norms[2 * n] + norms[2 * n + 1]
        x = np.maximum(normed, 0) @ linears[2 * n] + linears[2 * n + 1]
    np.testing.assert_allclose(bias[:, 1, 3], x, atol=1e-13)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: RelativeBias(H, rng(), n_buckets=7), "7 buckets"),
        (lambda: DynamicPositionBias(H, 8, rng(), "static"), "dynamic, continuous, not 'static'"),
        (lambda: GridRelativeBias(2, 3, H, rng()).forward(5, 5, 0, LIKE), "2 x 3 places does not fit 5 queries"),
        (lambda: DynamicPositionBias(H, 8, rng(), grid=(2, 3)).forward(6, 8, 2, LIKE), "8 keys, 2 stored"),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
