"""Memory-efficient attention: exact, a few queries at a time, with nothing kept but the inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.efficient.growth import attending, growth, peak_bytes
from tfx.efficient.memory_efficient_attention import (
    memory_efficient_attention_backward,
    memory_efficient_attention_forward,
)
from tfx.measure.held_memory import held_bytes
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward

LENGTHS = st.integers(0, 9)


@settings(max_examples=60, deadline=None)
@given(LENGTHS, LENGTHS, st.integers(1, 11), st.booleans(), st.booleans(), st.floats(0, 1), st.integers(0, 99))
def test_any_chunk_and_any_mask_give_exact_attention_both_ways(t, s, chunk, causal, keep, density, seed):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.standard_normal((*lead, n, d)) for lead, n, d in (((2, 3), t, 4), ((3,), s, 4), ((2, 1), s, 5)))
    mask = rng.random((2, 1, t, s)) < density
    want, exact = attention_forward(q, k, v, mask & np.tri(t, s, s - t, dtype=bool) if causal else mask)
    out, cache = memory_efficient_attention_forward(q, k, v, mask, causal=causal, chunk=chunk, keep=keep)
    dout = rng.standard_normal(out.shape)
    have = (out, *memory_efficient_attention_backward(dout, cache))
    for a, b in zip(have, (want, *attention_backward(dout, exact)), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_it_looks_both_ways_unless_told():
    q, k, v = np.random.default_rng(0).standard_normal((3, 5, 4))
    np.testing.assert_allclose(
        memory_efficient_attention_forward(q, k, v)[0], attention_forward(q, k, v)[0], atol=1e-14
    )


def test_nothing_is_kept_but_the_inputs():
    q, k, v = np.random.default_rng(0).standard_normal((3, 100, 8))
    _, cache = memory_efficient_attention_forward(q, k, v)
    assert held_bytes(cache) == held_bytes((q, k, v))


def test_kept_weights_are_those_of_the_past_alone():
    q, k, v = np.random.default_rng(0).standard_normal((3, 96, 8))
    _, cache = memory_efficient_attention_forward(q, k, v, causal=True, chunk=32, keep=True)
    assert [chunk.weights.shape for chunk in cache.chunks] == [(32, 32), (32, 64), (32, 96)]


def test_memory_grows_with_the_length_and_not_with_its_square():
    run = attending(memory_efficient_attention_forward, memory_efficient_attention_backward, chunk=16)
    assert growth(peak_bytes, run) <= 1.1


@pytest.mark.parametrize("causal", [False, True])
def test_queries_without_any_key_give_zeros(causal):
    out, cache = memory_efficient_attention_forward(np.ones((3, 2)), np.ones((0, 2)), np.ones((0, 4)), causal=causal)
    assert out.shape == (3, 4) and not out.any()
    dq, dk, dv = memory_efficient_attention_backward(np.ones((3, 4)), cache)
    assert not dq.any() and dk.shape == (0, 2) and dv.shape == (0, 4)


def test_a_chunk_below_one_is_refused():
    x = np.ones((3, 2))
    with pytest.raises(ValueError, match="chunk must be at least 1, not 0"):
        memory_efficient_attention_forward(x, x, x, chunk=0)
