"""Causal convolution with a state: any cutting into chunks is the whole, forwards and backwards."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.ops.grids.causal_convolution import causal_convolution_backward, causal_convolution_forward
from tfx.ops.grids.convolution import convolution_backward, convolution_forward

RNG = np.random.default_rng(0)
X, W, B = RNG.standard_normal((2, 4, 11)), RNG.standard_normal((6, 4, 3)), RNG.standard_normal(6)


def test_without_a_state_it_is_the_convolution_with_causal_padding():
    y, cache = causal_convolution_forward(X, W, B, dilation=2)
    want, want_cache = convolution_forward(X, W, B, padding="causal", dilation=2)
    assert np.array_equal(y, want)
    dy = RNG.standard_normal(y.shape)
    grads, want_grads = causal_convolution_backward(dy, cache), convolution_backward(dy, want_cache)
    assert all(np.array_equal(a, b) for a, b in zip(grads, want_grads, strict=False))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 11), max_size=6), st.integers(1, 4), st.sampled_from([1, 2]))
def test_any_chunks_give_the_whole_and_its_gradient(cuts, dilation, groups):
    edges = [0, *sorted(cuts), 11]
    w = W[:, : 4 // groups]
    whole, whole_cache = causal_convolution_forward(X, w, B, dilation=dilation, groups=groups)
    dy = np.random.default_rng(1).standard_normal(whole.shape)
    want = causal_convolution_backward(dy, whole_cache)

    state, parts, caches = None, [], []
    for start, stop in itertools.pairwise(edges):
        y, cache = causal_convolution_forward(X[..., start:stop], w, B, state, dilation, groups)
        state = cache.state
        parts.append(y)
        caches.append(cache)
    np.testing.assert_allclose(np.concatenate(parts, axis=-1), whole, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(state, whole_cache.state)

    dstate, dx, dw, db = None, [], 0, 0
    for cache, start, stop in zip(reversed(caches), edges[-2::-1], edges[:0:-1], strict=True):
        grads = causal_convolution_backward(dy[..., start:stop], cache, dstate)
        dstate, dw, db = grads.dstate, dw + grads.dw, db + grads.db
        dx.append(grads.dx)
    np.testing.assert_allclose(np.concatenate(dx[::-1], axis=-1), want.dx, rtol=0, atol=1e-12)
    np.testing.assert_allclose(dw, want.dw, rtol=0, atol=1e-12)
    np.testing.assert_allclose(db, want.db, rtol=0, atol=1e-12)


def test_the_state_is_the_end_of_what_was_read_with_zeros_before_the_beginning():
    _, cache = causal_convolution_forward(X[..., :3], W, dilation=2)
    assert np.array_equal(cache.state, np.concatenate((np.zeros((2, 4, 1)), X[..., :3]), axis=-1))


def test_a_kernel_of_one_place_remembers_nothing():
    _, cache = causal_convolution_forward(X, W[..., :1])
    assert cache.state.shape == (2, 4, 0)


def test_an_empty_chunk_passes_the_state_on():
    state = RNG.standard_normal((2, 4, 2))
    y, cache = causal_convolution_forward(X[..., :0], W, B, state)
    assert y.shape == (2, 6, 0) and np.array_equal(cache.state, state)
    dstate = RNG.standard_normal(state.shape)
    grads = causal_convolution_backward(y, cache, dstate)
    assert np.array_equal(grads.dstate, dstate) and not grads.dw.any() and grads.dx.shape == (2, 4, 0)


def test_a_state_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"the state is \(2, 4, 2\) but this kernel and x ask for \(2, 4, 4\)"):
        causal_convolution_forward(X, W, state=np.zeros((2, 4, 2)), dilation=2)
