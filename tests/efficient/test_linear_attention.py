"""Linear attention: one result in three forms, in linear time, with nothing from the future."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.efficient.growth import attending, growth, operations, peak_bytes
from tfx.efficient.causal_product import causal_product_backward, causal_product_forward
from tfx.efficient.feature_maps import FEATURE_MAPS, elu_plus_one_forward
from tfx.efficient.linear_attention import (
    feature_attention_forward,
    linear_attention_backward,
    linear_attention_forward,
)
from tfx.ops.attention.masks import causal_mask, combine_masks, padding_mask
from tfx.ops.attention.scaled_dot_product import attention_forward

RNG = np.random.default_rng


def qkv(t=7, s=None, seed=0):
    rng = RNG(seed)
    return [rng.standard_normal((2, 3, n, d)) for n, d in ((t, 4), (s or t, 4), (s or t, 5))]


def by_the_scores(q, k, v, mask=None, phi=elu_plus_one_forward):
    """All weights phi(q) . phi(k), as a T x S matrix; blocked rows give zeros."""
    weights = phi(q)[0] @ phi(k)[0].swapaxes(-1, -2)
    weights = weights if mask is None else np.where(mask, weights, 0)
    total = weights.sum(axis=-1, keepdims=True)
    return (weights @ v) / np.where(total == 0, 1, total)


def by_the_recurrence(q, k, v):
    """Equations 16 to 20 of the paper, token by token."""
    s, z, out = np.zeros((2, 3, 4, 5)), np.zeros((2, 3, 4)), []
    fq, fk = elu_plus_one_forward(q)[0], elu_plus_one_forward(k)[0]
    for t in range(q.shape[-2]):
        s = s + fk[..., t, :, None] * v[..., t, None, :]
        z = z + fk[..., t, :]
        out.append(np.einsum("bhd,bhdm->bhm", fq[..., t, :], s) / (fq[..., t, :] * z).sum(-1, keepdims=True))
    return np.stack(out, axis=-2)


@pytest.mark.parametrize("feature_map", FEATURE_MAPS)
def test_it_is_attention_with_another_kernel(feature_map):
    q, k, v = qkv(5, 7)
    if feature_map == "identity":
        q, k = np.abs(q), np.abs(k)
    out, _ = linear_attention_forward(q, k, v, feature_map=feature_map)
    np.testing.assert_allclose(out, by_the_scores(q, k, v, None, FEATURE_MAPS[feature_map].forward), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 11), st.integers(0, 99))
def test_every_chunk_gives_the_causal_weights_of_any_lengths(t, s, chunk, seed):
    rng = RNG(seed)
    q, k, v = rng.standard_normal((2, t, 4)), rng.standard_normal((2, s, 4)), rng.standard_normal((2, s, 3))
    want = by_the_scores(q, k, v, np.tri(t, s, s - t, dtype=bool))
    np.testing.assert_allclose(linear_attention_forward(q, k, v, causal=True, chunk=chunk)[0], want, atol=1e-12)


def test_parallel_chunked_and_recurrent_forms_are_equal_both_ways():
    q, k, v = qkv(11)
    np.testing.assert_allclose(
        linear_attention_forward(q, k, v, causal=True)[0], by_the_recurrence(q, k, v), atol=1e-12
    )
    dout = RNG(1).standard_normal((2, 3, 11, 5))
    forms = []
    for chunk in (11, 4, 1):
        out, cache = linear_attention_forward(q, k, v, causal=True, chunk=chunk)
        forms.append((out, *linear_attention_backward(dout, cache)))
    for form in forms[1:]:
        for a, b in zip(form, forms[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_token_by_token_with_the_state_gives_the_whole():
    q, k, v = qkv(6)
    whole, last = linear_attention_forward(q, k, v, causal=True)
    state, parts = None, []
    for t in range(6):
        here = [x[..., t : t + 1, :] for x in (q, k, v)]
        out, cache = linear_attention_forward(*here, causal=True, state=state)
        state = cache.last_state
        parts.append(out)
    np.testing.assert_allclose(np.concatenate(parts, axis=-2), whole, atol=1e-12)
    np.testing.assert_allclose(state, last.last_state, atol=1e-12)
    assert state.shape == (2, 3, 4, 6), "the state does not grow with the tokens read"


def test_the_state_after_a_whole_without_causality_is_the_same_sum():
    q, k, v = qkv(6)
    states = [linear_attention_forward(q, k, v, causal=causal)[1].last_state for causal in (False, True)]
    np.testing.assert_allclose(states[0], states[1], atol=1e-12)


def test_no_gradient_goes_into_the_state_but_all_of_it_to_the_later_tokens():
    q, k, v = qkv(6)
    early, late = ([x[..., part, :] for x in (q, k, v)] for part in (slice(0, 4), slice(4, 6)))
    dout = RNG(1).standard_normal((2, 3, 6, 5)) * np.array([0, 0, 0, 0, 1, 1])[:, None]
    whole = linear_attention_backward(dout, linear_attention_forward(q, k, v, causal=True)[1])
    state = linear_attention_forward(*early, causal=True)[1].last_state
    grads = linear_attention_backward(dout[..., 4:, :], linear_attention_forward(*late, causal=True, state=state)[1])
    for a, b in zip(grads, whole, strict=True):
        np.testing.assert_allclose(a, b[..., 4:, :], atol=1e-12)


def test_changing_a_future_token_changes_no_earlier_output():
    q, k, v = qkv(6)
    out, _ = linear_attention_forward(q, k, v, causal=True, chunk=4)
    k2, v2 = k.copy(), v.copy()
    k2[..., 3:, :], v2[..., 3:, :] = 9.0, -9.0
    changed, _ = linear_attention_forward(q, k2, v2, causal=True, chunk=4)
    assert np.array_equal(changed[..., :3, :], out[..., :3, :])
    assert not np.array_equal(changed[..., 3:, :], out[..., 3:, :])


@pytest.mark.parametrize("causal", [False, True])
def test_a_padded_sequence_gives_what_it_gives_alone(causal):
    q, k, v = qkv(7)
    mask = padding_mask([7, 4], 7)
    out, _ = linear_attention_forward(q, k, v, combine_masks(mask, causal_mask(7) if causal else None), causal=causal)
    alone, _ = linear_attention_forward(*(x[1, :, :4] for x in (q, k, v)), causal=causal)
    np.testing.assert_allclose(out[1, :, :4], alone, atol=1e-13)


def test_a_query_that_can_read_nothing_gives_zeros_and_takes_no_gradient():
    q, k, v = qkv(5)
    out, cache = linear_attention_forward(q, k, v, np.zeros((1, 5), bool))
    assert not out.any()
    assert not any(grad.any() for grad in linear_attention_backward(np.ones_like(out), cache))


def test_it_looks_both_ways_unless_told_and_the_scale_is_one():
    q, k, v = qkv(5)
    want = by_the_scores(q, k, v)
    np.testing.assert_allclose(linear_attention_forward(q, k, v)[0], want, atol=1e-13)
    np.testing.assert_allclose(linear_attention_forward(q / 2, k, v, scale=2.0)[0], want, atol=1e-13)


def test_the_weights_have_no_higher_rank_than_the_width():
    """What is given up: T x T weights of softmax attention can have any rank."""
    q, k, _ = RNG(0).standard_normal((3, 12, 3))
    weights, _ = linear_attention_forward(q, k, np.eye(12))
    exact, _ = attention_forward(4 * q, 4 * k, np.eye(12))
    assert np.linalg.matrix_rank(weights, tol=1e-9) == 3 < np.linalg.matrix_rank(exact, tol=1e-9)


def test_a_constant_is_averaged_to_itself():
    q, k, _ = qkv(5)
    out, _ = linear_attention_forward(q, k, np.full((2, 3, 5, 2), 3.0), causal=True, chunk=2)
    np.testing.assert_allclose(out, 3.0, rtol=1e-13)


@pytest.mark.parametrize("causal", [False, True])
def test_time_and_memory_grow_with_the_length_and_not_with_its_square(causal):
    run = attending(linear_attention_forward, linear_attention_backward, causal=causal, chunk=32)
    assert growth(operations, run) <= 1.01
    assert growth(peak_bytes, run) <= 1.1


def test_the_parallel_form_does_grow_with_the_square():
    run = attending(linear_attention_forward, linear_attention_backward, causal=True, chunk=10**6)
    assert growth(operations, run) > 1.7


def test_a_causal_product_is_a_triangle_of_weights():
    q, k, v = qkv(6)
    y, _ = causal_product_forward(q, k, v, chunk=4)
    np.testing.assert_allclose(y, np.tril(q @ k.swapaxes(-1, -2)) @ v, atol=1e-12)


def test_the_gradient_of_a_state_is_what_all_queries_ask_of_it():
    q, k, v = qkv(6)
    state, dy = RNG(2).standard_normal((2, 3, 4, 5)), RNG(3).standard_normal((2, 3, 6, 5))
    _, cache = causal_product_forward(q, k, v, state, chunk=4)
    np.testing.assert_allclose(causal_product_backward(dy, cache).dstate, q.swapaxes(-1, -2) @ dy, atol=1e-12)


def test_elu_plus_one_is_positive_smooth_at_zero_and_does_not_overflow():
    y, cache = elu_plus_one_forward(np.array([-math.inf, -1.0, -0.0, 0.0, 2.0, 1e30]))
    np.testing.assert_allclose(y, [0, math.exp(-1), 1, 1, 3, 1e30])
    np.testing.assert_allclose(cache.slope, [0, math.exp(-1), 1, 1, 1, 1])


def test_what_does_not_fit_is_named():
    q, k, v = qkv(5)
    with pytest.raises(ValueError, match="feature_map must be one of elu, relu, softplus, identity, not 'exp'"):
        linear_attention_forward(q, k, v, feature_map="exp")
    with pytest.raises(ValueError, match="a state of earlier tokens needs causal=True"):
        feature_attention_forward(q, k, v, state=np.zeros((4, 6)))
    with pytest.raises(ValueError, match="keys have width 4 but queries have 3"):
        linear_attention_forward(q[..., :3], k, v)
    with pytest.raises(ValueError, match="there are 5 queries, 4 keys and 5 values"):
        causal_product_forward(q, k[..., :4, :], v)
    with pytest.raises(ValueError, match="keys have width 4 but queries have 3"):
        causal_product_forward(q[..., :3], k, v)
    with pytest.raises(ValueError, match="chunk must be at least 1, not 0"):
        linear_attention_forward(q, k, v, causal=True, chunk=0)
