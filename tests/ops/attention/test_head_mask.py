"""Factors on heads: switching off, dropping, and what the gradient of a factor says."""

import numpy as np
import pytest

from tfx.ops.attention.head_mask import head_dropout_mask, head_mask_backward, head_mask_forward

HEADS = np.random.default_rng(0).standard_normal((2, 3, 5, 4))


def test_a_head_with_factor_0_is_silent_and_learns_nothing():
    y, cache = head_mask_forward(HEADS, np.array([1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(y[:, [0, 2]], HEADS[:, [0, 2]])
    dheads, dxi = head_mask_backward(np.ones_like(y), cache)
    assert not y[:, 1].any() and not dheads[:, 1].any() and dxi[1] != 0


def test_for_a_loss_that_is_linear_the_gradient_is_what_the_head_is_worth():
    dy = np.random.default_rng(1).standard_normal(HEADS.shape)
    y, cache = head_mask_forward(HEADS, np.ones(3))
    _, dxi = head_mask_backward(dy, cache)
    for h in range(3):
        without, _ = head_mask_forward(HEADS, np.where(np.arange(3) == h, 0.0, 1.0))
        assert ((y - without) * dy).sum() == pytest.approx(dxi[h], rel=1e-12)


def test_heads_that_are_left_make_up_for_those_that_are_dropped():
    mask = head_dropout_mask((1000, 4), 0.4, np.random.default_rng(0))
    left = (mask > 0).sum(-1)
    np.testing.assert_allclose(mask.sum(-1), np.where(left > 0, 4, 0), rtol=1e-15)
    assert (mask == 0).mean() == pytest.approx(0.4, abs=0.03)
    assert (head_dropout_mask((5, 4), 0.0, np.random.default_rng(0)) == 1).all()
    assert head_dropout_mask((5, 4), 0.5, np.random.default_rng(0), "float32").dtype == np.float32


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"3 heads but factors \(4,\)"):
        head_mask_forward(HEADS, np.ones(4))
    with pytest.raises(ValueError, match=r"not 1\.0"):
        head_dropout_mask((5, 4), 1.0, np.random.default_rng(0))
