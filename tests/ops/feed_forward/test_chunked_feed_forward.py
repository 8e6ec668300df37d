"""Chunks change the memory and nothing else."""

import numpy as np
import pytest

from tests.ops.arrays import arrays_in
from tfx.ops.feed_forward.chunked_feed_forward import chunked_feed_forward_backward, chunked_feed_forward_forward
from tfx.ops.feed_forward.feed_forward import feed_forward_backward, feed_forward_forward

RNG = np.random.default_rng(0)
X, DY = RNG.standard_normal((2, 7, 4)), RNG.standard_normal((2, 7, 4))
W = [RNG.standard_normal(shape) for shape in ((4, 90), 90, (90, 4), 4)]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
def test_any_chunk_gives_the_output_and_the_gradients_of_the_whole(chunk):
    y, cache = chunked_feed_forward_forward(X, *W, chunk=chunk)
    whole, whole_cache = feed_forward_forward(X, *W)
    np.testing.assert_allclose(y, whole, rtol=1e-12)
    grads, whole_grads = chunked_feed_forward_backward(DY, cache), feed_forward_backward(DY, whole_cache)
    for a, b in zip(grads, whole_grads, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_nothing_as_wide_as_the_hidden_layer_is_kept_but_the_weights():
    _, cache = chunked_feed_forward_forward(X, *W, chunk=2)
    _, whole = feed_forward_forward(X, *W)
    weights = sum(w.nbytes for w in W)
    assert sum(array.nbytes for array in arrays_in(cache)) == X.nbytes + weights
    assert whole.hidden.nbytes > 20 * X.nbytes


def test_length_zero_works_both_ways():
    y, cache = chunked_feed_forward_forward(np.zeros((2, 0, 4)), *W)
    grads = chunked_feed_forward_backward(y, cache)
    assert y.shape == grads.dx.shape == (2, 0, 4) and not any(grad.any() for grad in grads)


def test_a_chunk_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1 token, not 0"):
        chunked_feed_forward_forward(X, *W, chunk=0)
