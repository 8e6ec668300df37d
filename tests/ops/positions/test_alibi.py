"""ALiBi: slopes of the paper, biases that know only the distance, and what a softmax does not see."""

import numpy as np
import pytest

from tests.strict_device import StrictArray, synced
from tests.strict_device import xp as device
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.positions.alibi import alibi_bias, alibi_slopes

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("n_heads", "slopes"),
    [
        (1, [2**-8]),
        (2, [2**-4, 2**-8]),
        (3, [2**-4, 2**-8, 2**-2]),
        (6, [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]),
        (8, [2**-h for h in range(1, 9)]),
        (12, [2**-h for h in range(1, 9)] + [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]),
    ],
)
def test_slopes_are_those_of_the_paper(n_heads, slopes):
    assert alibi_slopes(n_heads) == pytest.approx(slopes, rel=1e-15)


@pytest.mark.parametrize("n_heads", range(1, 40))
def test_no_two_heads_have_the_same_slope(n_heads):
    slopes = alibi_slopes(n_heads)
    assert len(set(slopes)) == len(slopes) == n_heads and 0 < min(slopes) <= max(slopes) < 1


def test_every_entry_is_the_formula():
    bias, causal = (alibi_bias(6, 3, 5, past=1, causal=causal) for causal in (False, True))
    for h, slope in enumerate(alibi_slopes(6)):
        for i in range(3):
            for j in range(5):
                assert bias[h, i, j] == -slope * abs(1 + i - j)
                assert causal[h, i, j] == slope * (j - 1 - i)


def test_it_depends_on_the_distance_only():
    bias = alibi_bias(3, 9)
    assert np.array_equal(bias[:, 1:, 1:], bias[:, :-1, :-1])
    assert np.array_equal(alibi_bias(3, 2, past=7), bias[:, 7:])


def test_under_a_causal_mask_the_three_forms_in_use_are_one():
    q, k, v = RNG.standard_normal((3, 2, 4, 6, 5))
    keys_only = np.array(alibi_slopes(4))[:, None, None] * np.arange(6)
    outs = [
        attention_forward(q, k, v, causal_mask(6), bias=bias)[0]
        for bias in (alibi_bias(4, 6), alibi_bias(4, 6, causal=True), keys_only)
    ]
    np.testing.assert_allclose(outs[1], outs[0], rtol=1e-12)
    np.testing.assert_allclose(outs[2], outs[0], rtol=1e-12)
    assert not np.allclose(attention_forward(q, k, v, causal_mask(6))[0], outs[0])


def test_with_equal_scores_a_nearer_key_weighs_more():
    zero = np.zeros((1, 1, 5, 2))
    weights = attention_forward(zero, zero, zero, causal_mask(5), bias=alibi_bias(2, 5))[1].weights
    np.testing.assert_allclose(weights[0, 0, 4, 1:] / weights[0, 0, 4, :-1], np.exp(2**-4), rtol=1e-13)


def test_it_is_made_on_the_device_and_in_the_dtype_that_was_asked_for():
    waits = synced.count
    bias = alibi_bias(3, 4, dtype="float32", xp=device)
    assert synced.count == waits and isinstance(bias, StrictArray) and bias.dtype == np.float32
    assert alibi_bias(3, 0, 4).shape == (3, 0, 4)


def test_no_heads_are_refused():
    with pytest.raises(ValueError, match="1 head or more, not 0"):
        alibi_bias(0, 3)
