"""The consistency loss of R-Drop: two divergences, symmetric, with a gradient for both passes."""

import numpy as np
import pytest

from tfx.ops.basics.log_softmax import log_softmax_backward, log_softmax_forward
from tfx.ops.losses.consistency_loss import consistency_loss_backward, consistency_loss_forward
from tfx.ops.losses.kl_divergence import kl_divergence_backward, kl_divergence_forward

RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.standard_normal((2, 3, 4, 5))
KEEP = np.arange(4) < np.array([[2], [4], [1]])


def test_it_is_half_the_sum_of_both_divergences_forward_and_backward():
    loss, cache = consistency_loss_forward(FIRST, SECOND, reduction="sum")
    (a, a_cache), (b, b_cache) = log_softmax_forward(FIRST), log_softmax_forward(SECOND)
    there, there_cache = kl_divergence_forward(b, a, log_target=True, reduction="sum")
    back, back_cache = kl_divergence_forward(a, b, log_target=True, reduction="sum")
    assert loss == pytest.approx((there + back) / 2, rel=1e-13)
    one, two = kl_divergence_backward(0.5, there_cache), kl_divergence_backward(0.5, back_cache)
    grads = consistency_loss_backward(1.0, cache)
    np.testing.assert_allclose(grads.dfirst, log_softmax_backward(one.dtarget + two.dlog_q, a_cache), atol=1e-14)
    np.testing.assert_allclose(grads.dsecond, log_softmax_backward(one.dlog_q + two.dtarget, b_cache), atol=1e-14)


def test_it_is_symmetric_and_so_are_its_gradients():
    here, cache = consistency_loss_forward(FIRST, SECOND)
    there, other = consistency_loss_forward(SECOND, FIRST)
    assert here == pytest.approx(there, rel=1e-14)
    mine, yours = consistency_loss_backward(1.0, cache), consistency_loss_backward(1.0, other)
    np.testing.assert_allclose(mine.dfirst, yours.dsecond, atol=1e-16)
    assert mine.dfirst.any() and mine.dsecond.any()


def test_equal_predictions_cost_nothing_and_unequal_ones_something():
    loss, cache = consistency_loss_forward(FIRST, FIRST + 7.0)  # a constant changes no probability
    assert loss == pytest.approx(0, abs=1e-15)
    assert abs(consistency_loss_backward(1.0, cache).dfirst).max() < 1e-15
    assert (consistency_loss_forward(FIRST, SECOND, reduction="none")[0] > 0).all()


def test_the_mean_is_over_the_kept_tokens():
    loss, cache = consistency_loss_forward(FIRST, SECOND, KEEP)
    each, _ = consistency_loss_forward(FIRST, SECOND, reduction="none")
    assert loss == pytest.approx(each[KEEP].mean(), rel=1e-14)
    assert not consistency_loss_backward(1.0, cache).dsecond[~KEEP].any()
    assert consistency_loss_forward(FIRST, SECOND, np.zeros_like(KEEP))[0] == 0


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="first pass"):
        consistency_loss_forward(FIRST, SECOND[:2])
    with pytest.raises(TypeError, match="keep"):
        consistency_loss_forward(FIRST, SECOND, KEEP.astype(int))
