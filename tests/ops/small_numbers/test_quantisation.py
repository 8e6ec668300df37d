"""What few bits keep of a number, and what each scheme promises about it."""

import math
from typing import Any

import numpy as np
import pytest

from tfx.ops.small_numbers.binary_weights import binarise, signed_weights, ternarise
from tfx.ops.small_numbers.int8_matmul import LARGEST, int8_matmul
from tfx.ops.small_numbers.nibbles import pack_nibbles, unpack_nibbles
from tfx.ops.small_numbers.normal_float import LEVELS, dequantise_normal, quantise_normal
from tfx.ops.small_numbers.quantisation import Quantised, dequantise, quantise
from tfx.ops.small_numbers.straight_through import straight_through_backward, straight_through_forward

RNG = np.random.default_rng(0)
W = RNG.standard_normal((24, 10))
W[3, 4] = 9.0  # an outlier
SHARED: list[dict[str, Any]] = [{"per": "tensor"}, {"per": "channel"}, {"per": "group", "group": 8}]


def each_scale(q, shape):
    return np.broadcast_to(q.scale, (q.scale.shape[0], shape[0] // q.scale.shape[0], shape[1])).reshape(shape)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("shared", SHARED)
@pytest.mark.parametrize("shift", [0.0, 3.0, -3.0])
def test_no_number_moves_by_more_than_half_a_step(bits, symmetric, shared, shift):
    w = W + shift
    q = quantise(w, bits, symmetric, **shared)
    assert (np.abs(dequantise(q) - w) <= each_scale(q, w.shape) * (0.5 + 1e-12)).all()
    low, high = (-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1) if symmetric else (0, 2**bits - 1)
    assert low <= q.codes.min() and q.codes.max() <= high
    assert q.codes.dtype == (np.int8 if symmetric else np.uint8)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("largest", [3e38, float(np.finfo("float32").max)])
def test_a_range_wider_than_the_largest_number_has_a_scale_too(symmetric, largest):
    w = np.array([[largest], [-largest], [1.0]], dtype="float32")
    q = quantise(w, 8, symmetric)
    far = np.abs(dequantise(q).astype(float) - w.astype(float))
    assert q.scale.dtype == np.float32 and (far <= float(q.scale.item()) * 0.5001).all()


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("size", [1e-6, 1e-4, 1.0, 3e4])
def test_float16_weights_have_scales_in_float32(symmetric, size):
    w = (W / np.abs(W).max() * size).astype("float16")
    q = quantise(w, 8, symmetric)
    assert q.scale.dtype == np.float32
    assert (np.abs(dequantise(q) - w.astype("float32")) <= q.scale.item() * 0.501).all()


def test_symmetric_codes_by_hand():
    q = quantise(np.array([[-2.0], [0.5], [1.0]]), 3)
    assert q.codes[:, 0].tolist() == [-3, 1, 2] and q.scale.item() == pytest.approx(2 / 3)  # 0.75 -> 1, 1.5 -> 2


def test_affine_codes_by_hand():
    q = quantise(np.array([[-1.0], [0.0], [2.0]]), 2, symmetric=False)
    assert (
        q.codes[:, 0].tolist() == [0, 1, 3]
        and q.scale.item() == 1.0
        and q.zero_point is not None
        and q.zero_point.item() == 1
    )
    assert dequantise(q)[:, 0].tolist() == [-1.0, 0.0, 2.0]


def test_the_end_of_the_range_never_leaves_the_codes():
    """z = 1.5 is rounded up, and 1.5 would get the code 4."""
    q = quantise(np.array([[-1.5], [1.5]]), 2, symmetric=False)
    assert q.codes[:, 0].tolist() == [0, 3] and dequantise(q)[:, 0].tolist() == [-2.0, 1.0]


def test_a_scale_for_each_number_loses_nothing():
    np.testing.assert_allclose(dequantise(quantise(W, 2, per="group", group=1)), W, rtol=1e-15)


def test_zero_stays_zero_even_far_from_the_numbers():
    w = np.array([[5.0, 0.0], [6.0, 0.0], [0.0, 0.0]])
    for symmetric in (True, False):
        back = dequantise(quantise(w, 4, symmetric, "channel"))
        assert back[2, 0] == 0 and not back[:, 1].any()


def signal_to_noise(w, w_hat):
    return 10 * math.log10((w * w).sum() / ((w - w_hat) ** 2).sum())


def test_each_bit_buys_six_decibels():
    w = np.random.default_rng(1).uniform(-1, 1, (400, 50))
    ratios = {bits: signal_to_noise(w, dequantise(quantise(w, bits))) for bits in range(2, 9)}
    for bits, ratio in ratios.items():  # signal 1/3, noise s^2 / 12, s = 1 / (2^(b-1) - 1)
        assert ratio == pytest.approx(20 * math.log10(2 * (2 ** (bits - 1) - 1)), abs=0.1)
    assert (ratios[8] - ratios[5]) / 3 == pytest.approx(6.02, abs=0.2)


def test_the_error_of_uniform_numbers_is_a_twelfth_of_the_squared_step():
    w = np.random.default_rng(1).uniform(-1, 1, (400, 50))
    q = quantise(w, 8)
    assert ((w - dequantise(q)) ** 2).mean() == pytest.approx(q.scale.item() ** 2 / 12, rel=0.05)


def test_smaller_groups_keep_an_outlier_to_itself():
    errors = [np.abs(W - dequantise(quantise(W, 4, **shared))).mean() for shared in SHARED]
    assert errors[0] > errors[1] > errors[2]


def test_affine_codes_pay_on_one_side_of_zero():
    w = np.abs(W)
    symmetric, affine = (signal_to_noise(w, dequantise(quantise(w, 4, one))) for one in (True, False))
    assert affine - symmetric == pytest.approx(20 * math.log10(15 / 7), abs=1.5)  # about one bit


def test_bytes_are_counted_with_the_scales():
    assert quantise(W, 8).n_bytes == 240 + 8
    assert quantise(W, 4, per="channel").n_bytes == 120 + 10 * 8
    assert quantise(W, 4, symmetric=False, per="group", group=8).n_bytes == 120 + 30 * (8 + 1)


def test_float32_stays_float32():
    for symmetric in (True, False):
        q = quantise(W.astype("float32"), 8, symmetric)
        assert dequantise(q).dtype == q.scale.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: quantise(W, 1), "2 to 8 bits, not 1"),
        (lambda: quantise(W, 9), "not 9"),
        (lambda: quantise(W, per="row"), 'not by "row"'),
        (lambda: quantise(W, per="group", group=7), "24 rows cannot be cut into groups of 7"),
        (lambda: quantise(W, per="group", group=0), "cut into groups of 0"),
        (lambda: quantise(W[0]), r"not \(10,\)"),
        (lambda: quantise(W[:0]), r"not \(0, 10\)"),
        (lambda: quantise(W * math.inf), "NaN or inf"),
    ],
)
def test_what_cannot_be_quantised_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize("shape", [(6,), (3, 5), (0,)])
def test_two_codes_in_a_byte_come_back(shape):
    signed = RNG.integers(-8, 8, shape).astype("int8")
    unsigned = RNG.integers(0, 16, shape).astype("uint8")
    for codes, is_signed in ((signed, True), (unsigned, False)):
        packed = pack_nibbles(codes)
        assert packed.size == -(-codes.size // 2)
        back = unpack_nibbles(packed, shape, is_signed)
        assert back.dtype == codes.dtype
        np.testing.assert_array_equal(back, codes)


def test_the_low_half_of_a_byte_comes_first():
    assert pack_nibbles(np.array([1, -1], "int8")).tolist() == [0xF1]
    with pytest.raises(TypeError, match="int64"):
        pack_nibbles(np.array([1, 2]))


def test_the_levels_of_normal_float_are_the_published_ones():
    published = [-1.0, -0.69619280, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0.0]
    published += [0.07958030, 0.16093020, 0.24611230, 0.33791524, 0.44070983, 0.56261700, 0.72295684, 1.0]
    np.testing.assert_allclose(LEVELS, published, atol=3e-7)


def test_normal_float_takes_the_nearest_level_and_beats_equal_steps_on_normal_numbers():
    w = np.random.default_rng(2).standard_normal((640, 20))
    q = quantise_normal(w, 64)
    blocks = w.reshape(10, 64, 20) / q.scale
    nearest = np.abs(blocks[..., None] - LEVELS).argmin(-1)
    np.testing.assert_array_equal(q.codes, nearest.reshape(w.shape))
    equal_steps = dequantise(quantise(w, 4, per="group", group=64))
    assert signal_to_noise(w, dequantise_normal(q)) > signal_to_noise(w, equal_steps) + 0.5
    assert dequantise_normal(quantise_normal(w.astype("float32"))).dtype == np.float32
    np.testing.assert_allclose(dequantise_normal(quantise_normal(0.01 * w)), 0.01 * dequantise_normal(q), rtol=1e-12)
    assert not dequantise_normal(quantise_normal(np.zeros((4, 2)), 4)).any()


def test_the_integer_product_is_the_product_of_the_rounded_matrices():
    x = RNG.standard_normal((2, 5, 24))
    q = quantise(W, per="channel")
    rows = quantise(x.reshape(-1, 24).T, per="channel")
    exact = dequantise(rows).T @ dequantise(q)
    np.testing.assert_allclose(int8_matmul(x, q).reshape(10, 10), exact, rtol=1e-13, atol=1e-13)


def test_the_integer_product_is_near_the_exact_one_and_an_outlier_hurts_its_own_row_only():
    x = RNG.standard_normal((3, 24))
    x[1, 0] = 100.0
    error = np.abs(int8_matmul(x, quantise(W, per="channel")) - x @ W).max(-1)
    assert error[1] > 5 * error[0] and error[0] < 0.1 and error[2] < 0.1


def test_the_largest_codes_add_up_without_overflow():
    ones = np.ones((2000, 1))
    assert int8_matmul(ones.T, quantise(ones)).item() == pytest.approx(2000, rel=1e-12)


@pytest.mark.parametrize(
    ("x", "w", "said"),
    [
        (W[:, :9], quantise(W), "x has width 9 but w expects 24"),
        (W.T, quantise(W, symmetric=False), "symmetric codes without groups"),
        (W.T, quantise(W, per="group", group=8), "symmetric codes without groups"),
        (
            np.zeros((1, LARGEST + 1)),
            Quantised(np.zeros((LARGEST + 1, 1), "int8"), np.ones((1, 1, 1)), None, 8),
            "can overflow 32 bits",
        ),
    ],
)
def test_products_that_cannot_be_right_are_refused(x, w, said):
    with pytest.raises(ValueError, match=said):
        int8_matmul(x, w)


def test_the_scale_of_signs_is_the_best_there_is():
    weights = binarise(W)
    assert set(np.unique(weights.signs)) == {-1, 1}
    np.testing.assert_allclose(weights.scale[0], np.abs(W).mean(0), rtol=1e-14)
    error = ((W - signed_weights(weights)) ** 2).sum()
    for factor in (0.99, 1.01):
        assert ((W - signed_weights(weights._replace(scale=factor * weights.scale))) ** 2).sum() > error


def test_a_zero_in_between_halves_the_error_of_signs():
    w = np.random.default_rng(3).standard_normal((500, 4))
    binary, ternary = signed_weights(binarise(w)), signed_weights(ternarise(w))
    one, two = ((w - w_hat).var() for w_hat in (binary, ternary))
    assert one == pytest.approx(1 - 2 / math.pi, abs=0.03)  # of a normal distribution: E|w| = sqrt(2 / pi)
    assert two < 0.6 * one
    assert set(np.unique(ternarise(w).signs)) == {-1, 0, 1}
    assert not signed_weights(ternarise(np.zeros((3, 2)))).any()
    assert signed_weights(ternarise(np.array([[0.1], [-3.0], [0.2]])))[:, 0].tolist() == [0, -3.0, 0]


@pytest.mark.parametrize("limit", [None, 1.0])
def test_straight_through_rounds_forward_and_passes_dy_backward_within_the_limit(limit):
    x = np.array([-3.0, -1.0, 0.6, 1.0, 2.0])
    y, cache = straight_through_forward(x, np.sign(x), limit)
    np.testing.assert_array_equal(y, np.sign(x))
    dx = straight_through_backward(np.arange(1.0, 6.0), cache)
    assert dx.tolist() == ([1, 2, 3, 4, 5] if limit is None else [0, 2, 3, 4, 0])


def test_the_true_derivative_of_rounding_is_zero_and_straight_through_is_not():
    round_it = lambda w: dequantise(quantise(w, 4))  # noqa: E731
    moved = W.copy()
    moved[0, 0] += 1e-9
    np.testing.assert_array_equal(quantise(moved, 4).codes, quantise(W, 4).codes)
    _, cache = straight_through_forward(W, round_it(W))
    assert straight_through_backward(np.ones_like(W), cache).all()


@pytest.mark.parametrize(("args", "said"), [((W, W[0]), "rounded"), ((W, W, 0.0), "above 0")])
def test_straight_through_refuses_what_does_not_fit(args, said):
    with pytest.raises(ValueError, match=said):
        straight_through_forward(*args)


def test_zero_has_the_sign_plus_in_binary_weights():
    assert binarise(np.array([[0.0, -1.0], [-2.0, 3.0]])).signs.tolist() == [[1, -1], [-1, 1]]


def test_ternary_weights_by_hand():
    """Mean 4.4, threshold 0.7 * 4.4 = 3.08: three stay, and their mean is 20 / 3."""
    weights = ternarise(np.array([[8.0], [-8.0], [4.0], [2.0], [0.0]]))
    assert weights.signs[:, 0].tolist() == [1, -1, 1, 0, 0]
    assert weights.scale.item() == pytest.approx(20 / 3, rel=1e-15)


def test_a_ternary_weight_at_the_threshold_is_zero():
    assert not ternarise(np.array([[2.0], [-2.0]]), threshold=1.0).signs.any()


def test_each_column_of_each_group_has_a_normal_float_scale_of_its_own():
    w = np.array([[1.0, -20.0], [-3.0, 10.0], [50.0, 0.0], [5.0, 0.0]])
    assert quantise_normal(w, 2).scale.tolist() == [[[3.0, 20.0]], [[50.0, 1.0]]]


def test_zeros_alone_get_the_scale_1():
    zeros = np.zeros((4, 2))
    for q in (quantise(zeros), quantise(zeros, symmetric=False), quantise_normal(zeros, 4)):
        assert (q.scale == 1).all()


def test_the_largest_sum_just_fits_into_32_bits():
    assert LARGEST * 127**2 < 2**31 <= (LARGEST + 1) * 127**2
    x, w = np.ones((1, LARGEST), "float64"), Quantised(np.full((LARGEST, 1), 127, "int8"), np.ones((1, 1, 1)), None, 8)
    assert int8_matmul(x, w).item() == pytest.approx(127 * LARGEST, rel=1e-12)
