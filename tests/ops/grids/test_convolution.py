"""Convolution: its definition written as loops, its adjoint, what each output can see, and the cases it contains."""

import itertools

import numpy as np
import pytest

from tfx.ops.basics.linear import linear_forward
from tfx.ops.grids.convolution import convolution_backward, convolution_forward
from tfx.ops.grids.convolution_axes import receptive_field

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


def by_loops(x, w, b, stride, before, after, dilation, groups):
    """y[n, o, t] = b[o] + sum w[o, i, k] x[n, i, t stride + k dilation - before], one number at a time, two axes."""
    span = [1 + (k - 1) * d for k, d in zip(w.shape[2:], dilation, strict=True)]
    places = [
        (n + p + q - s) // step + 1 for n, p, q, s, step in zip(x.shape[2:], before, after, span, stride, strict=True)
    ]
    y = np.zeros((len(x), len(w), *places))
    per_group_in, per_group_out = w.shape[1], len(w) // groups
    for n, o, r, c in np.ndindex(y.shape):
        y[n, o, r, c] = b[o]
        for i, kr, kc in np.ndindex(w.shape[1:]):
            row = r * stride[0] + kr * dilation[0] - before[0]
            column = c * stride[1] + kc * dilation[1] - before[1]
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                y[n, o, r, c] += w[o, i, kr, kc] * x[n, o // per_group_out * per_group_in + i, row, column]
    return y


@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
@pytest.mark.parametrize(("before", "after"), [((0, 0), (0, 0)), ((2, 0), (1, 3))])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 3)])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_it_is_its_definition(stride, before, after, dilation, groups):
    x, w, b = normal(2, 4, 7, 8), normal(8, 4 // groups, 3, 2), normal(8)
    padding = list(zip(before, after, strict=True))
    y, _ = convolution_forward(x, w, b, stride, padding, dilation, groups)
    np.testing.assert_allclose(y, by_loops(x, w, b, stride, before, after, dilation, groups), rtol=1e-12, atol=1e-13)


SETTINGS = [
    {},
    {"stride": 2, "padding": "same"},
    {"padding": "causal", "dilation": 2},
    {"padding": [(3, 1), 2], "dilation": (1, 2), "stride": (3, 1), "groups": 2},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_backward_is_the_adjoint_of_the_forward_in_x_and_in_w(settings):
    x, w = normal(2, 4, 9, 7), normal(6, 4 // settings.get("groups", 1), 3, 2)
    y, cache = convolution_forward(x, w, **settings)
    dy = normal(*y.shape)
    grads = convolution_backward(dy, cache)
    size = np.linalg.norm(y) * np.linalg.norm(dy)
    assert grads.db is None
    assert abs((y * dy).sum() - (x * grads.dx).sum()) < 1e-14 * size
    assert abs((y * dy).sum() - (w * grads.dw).sum()) < 1e-14 * size


def test_a_kernel_of_one_place_is_a_linear_map_of_every_place():
    x, w, b = normal(2, 5, 7), normal(3, 5, 1), normal(3)
    y, _ = convolution_forward(x, w, b)
    want, _ = linear_forward(x.swapaxes(1, 2), w[..., 0].T, b)
    np.testing.assert_allclose(y, want.swapaxes(1, 2), rtol=1e-13)


def test_a_kernel_as_long_as_the_input_is_one_linear_map():
    x, w = normal(2, 5, 7), normal(3, 5, 7)
    y, _ = convolution_forward(x, w)
    np.testing.assert_allclose(y[..., 0], x.reshape(2, -1) @ w.reshape(3, -1).T, rtol=1e-12)


def test_groups_are_separate_convolutions_side_by_side():
    x, w = normal(2, 6, 9), normal(4, 3, 3)
    y, _ = convolution_forward(x, w, groups=2)
    halves = [convolution_forward(x[:, 3 * g : 3 * g + 3], w[2 * g : 2 * g + 2])[0] for g in range(2)]
    np.testing.assert_allclose(y, np.concatenate(halves, axis=1), rtol=1e-13)


def test_numpy_convolve_is_the_same_with_its_kernel_turned_round():
    x, w = normal(1, 1, 12), normal(1, 1, 4)
    np.testing.assert_allclose(convolution_forward(x, w)[0][0, 0], np.convolve(x[0, 0], w[0, 0, ::-1], "valid"))


@pytest.mark.parametrize("length", range(1, 9))
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (4, 1, 3), (2, 2, 1), (5, 3, 2), (1, 2, 1)])
def test_same_gives_one_place_for_every_stride(length, kernel, stride, dilation):
    x, w = normal(1, 1, length), normal(1, 1, kernel)
    for padding in ("same", "same_lower"):
        y, _ = convolution_forward(x, w, stride=stride, padding=padding, dilation=dilation)
        assert y.shape[-1] == -(-length // stride)


def test_same_puts_an_odd_zero_after_and_same_lower_before():
    x, w = np.arange(1.0, 5.0).reshape(1, 1, 4), np.ones((1, 1, 2))
    assert convolution_forward(x, w, padding="same")[0].tolist() == [[[3, 5, 7, 4]]]
    assert convolution_forward(x, w, padding="same_lower")[0].tolist() == [[[1, 3, 5, 7]]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("changed", [0, 5, 10])
def test_a_causal_convolution_does_not_see_the_future_bit_for_bit(dtype, changed):
    x, w = normal(2, 4, 11).astype(dtype), normal(6, 4, 3).astype(dtype)
    other = x.copy()
    other[..., changed:] += 1
    before, after = (convolution_forward(z, w, padding="causal", dilation=2)[0] for z in (x, other))
    assert before.shape[-1] == 11
    assert np.array_equal(before[..., :changed], after[..., :changed])
    assert (before[..., changed:] != after[..., changed:]).all()


@pytest.mark.parametrize(("kernels", "dilations"), [([3], [1]), ([3, 3, 3], [1, 2, 4]), ([2, 4, 3], [1, 5, 2])])
def test_the_measured_receptive_field_is_one_plus_the_sum_of_kernel_minus_one_times_dilation(kernels, dilations):
    reach = receptive_field(kernels, dilations)
    assert reach == 1 + sum((k - 1) * d for k, d in zip(kernels, dilations, strict=True))
    weights = [normal(2, 2, kernel) for kernel in kernels]
    h, caches = normal(1, 2, reach + 5), []
    for w, d in zip(weights, dilations, strict=True):
        h, cache = convolution_forward(h, w, padding="causal", dilation=d)
        caches.append(cache)
    dh = np.zeros_like(h)
    dh[..., -1] = 1
    for cache in reversed(caches):
        dh = convolution_backward(dh, cache).dx
    seen = np.flatnonzero(np.abs(dh).sum(axis=(0, 1)))
    assert h.shape[-1] - seen.min() == reach, "the last output depends on the last `reach` inputs and no earlier one"


def test_dilation_skips_the_places_between_the_taps():
    y, cache = convolution_forward(normal(1, 1, 7), np.ones((1, 1, 3)), dilation=3)
    assert convolution_backward(np.ones_like(y), cache).dx.tolist() == [[[1, 0, 0, 1, 0, 0, 1]]]


def test_a_convolution_moves_along_with_its_input():
    x, w = normal(1, 3, 12), normal(2, 3, 3)
    y, moved = convolution_forward(x, w)[0], convolution_forward(np.roll(x, 2, axis=-1), w)[0]
    np.testing.assert_allclose(moved[..., 2:], y[..., :-2], rtol=1e-13)


@pytest.mark.parametrize(("shape", "places"), [((2, 4, 0), 0), ((0, 4, 6), 6), ((2, 4, 1), 1)])
def test_empty_and_single_inputs_work_both_ways(shape, places):
    w, b = normal(3, 4, 3), normal(3)
    y, cache = convolution_forward(np.ones(shape), w, b, padding="causal")
    assert y.shape == (shape[0], 3, places)
    grads = convolution_backward(np.ones_like(y), cache)
    assert grads.dx.shape == shape and grads.dw.shape == w.shape and grads.db.tolist() == [y.size // 3] * 3


def test_padding_alone_is_nothing_to_convolve():
    y, cache = convolution_forward(np.ones((2, 4, 0)), normal(3, 4, 3), padding=2)
    assert y.shape == (2, 3, 0) and convolution_backward(y, cache).dx.shape == (2, 4, 0)


def test_every_way_to_write_a_padding_means_the_same():
    x, w = normal(1, 2, 5, 6), normal(2, 2, 3, 3)
    ways = [1, [1, 1], [(1, 1), (1, 1)], [1, (1, 1)], "same"]
    results = [convolution_forward(x, w, padding=padding)[0] for padding in ways]
    assert all(np.array_equal(a, b) for a, b in itertools.pairwise(results))


X, W = np.ones((2, 4, 5)), np.ones((6, 4, 3))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"w": np.ones((6, 3, 3))}, "x has 4 channels but w expects 3 in each of 1 groups"),
        ({"groups": 3}, "4 channels in and 6 out cannot be cut into 3 groups"),
        ({"groups": 2}, "x has 4 channels but w expects 4 in each of 2 groups"),
        ({"b": np.ones(4)}, r"w gives 6 channels but b is \(4,\)"),
        ({"w": np.ones((6, 4, 3, 3))}, "the kernel has 2 spatial axes but x has 1"),
        ({"dilation": 3}, "the kernel spans 7 places but the padded input has 5"),
        ({"stride": 0}, "stride 0 and dilation 1 must be at least 1"),
        ({"stride": (1, 2)}, "stride is given for 2 axes but x has 1"),
        ({"padding": [1, 2]}, "padding is given for 2 axes but x has 1"),
        ({"padding": -1}, "padding must not be negative"),
        ({"padding": "full"}, "padding must be a number or one of valid, same, same_lower, causal, not 'full'"),
    ],
)
def test_what_does_not_fit_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        convolution_forward(**({"x": X, "w": W} | change))
