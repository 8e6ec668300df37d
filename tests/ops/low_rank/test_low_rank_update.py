"""A low-rank update, on the matrix and beside it."""

import numpy as np

from tfx.ops.low_rank.lora_linear import lora_linear_forward
from tfx.ops.low_rank.low_rank_update import low_rank_update_backward, low_rank_update_forward

RNG = np.random.default_rng(0)
X, W, A, B = (RNG.standard_normal(shape) for shape in ((5, 4), (4, 3), (4, 2), (2, 3)))


def test_the_update_is_the_product_itself_unless_a_scale_is_given():
    np.testing.assert_allclose(low_rank_update_forward(W, A, B)[0], W + A @ B, rtol=1e-14)
    np.testing.assert_allclose(lora_linear_forward(X, A, B, W)[0], X @ (W + A @ B), rtol=1e-12)


def test_a_second_factor_of_zeros_changes_nothing_and_keeps_the_first_from_moving():
    updated, cache = low_rank_update_forward(W, A, 0 * B)
    grads = low_rank_update_backward(np.ones_like(W), cache)
    np.testing.assert_array_equal(updated, W)
    assert not grads.da.any() and grads.db.any()
