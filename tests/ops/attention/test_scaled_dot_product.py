"""Scaled dot-product attention against its definition, and what masks must and must not let through."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.scaled_dot_product import (
    attention_backward,
    attention_backward_steps,
    attention_forward,
    check_attention_shapes,
)
from tfx.ops.basics.softmax import softmax_jacobian

B, H, T, S, D, DV = 2, 3, 5, 7, 4, 6


def qkv(seed=0, n_keys=S):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((B, H, n, d)) for n, d in ((T, D), (n_keys, D), (n_keys, DV))]


def test_it_equals_three_nested_loops():
    q, k, v = (x[0, 0] for x in qkv())
    mask = np.random.default_rng(1).random((T, S)) < 0.6
    mask[:, 2] = True
    want = np.zeros((T, DV))
    for i in range(T):
        e = [math.exp(sum(q[i, d] * k[j, d] for d in range(D)) / math.sqrt(D)) * mask[i, j] for j in range(S)]
        for j in range(S):
            want[i] += e[j] / sum(e) * v[j]
    np.testing.assert_allclose(attention_forward(q, k, v, mask)[0], want, rtol=1e-12)


def test_changing_a_future_token_changes_no_earlier_output_bit_for_bit():
    q, k, v = qkv(n_keys=T)
    out, _ = attention_forward(q, k, v, causal_mask(T))
    for t in range(1, T):
        k2, v2 = k.copy(), v.copy()
        k2[..., t:, :] += 100.0
        v2[..., t:, :] -= 1e6
        changed, _ = attention_forward(q, k2, v2, causal_mask(T))
        assert np.array_equal(changed[..., :t, :], out[..., :t, :])
        assert not np.array_equal(changed[..., t:, :], out[..., t:, :])


def test_no_gradient_reaches_a_future_token():
    q, k, v = qkv(n_keys=T)
    _, cache = attention_forward(q, k, v, causal_mask(T))
    dout = np.zeros((B, H, T, DV))
    dout[..., 2, :] = 1.0
    _, dk, dv = attention_backward(dout, cache)
    assert not dk[..., 3:, :].any() and not dv[..., 3:, :].any()
    assert dv[..., :3, :].all()


def test_a_padded_sequence_gives_what_it_gives_alone():
    q, k, v = qkv()
    out, cache = attention_forward(q, k, v, padding_mask([S, 4], S))
    alone, _ = attention_forward(q[1], k[1, :, :4], v[1, :, :4])
    np.testing.assert_allclose(out[1], alone, rtol=1e-13)
    k2, v2 = k.copy(), v.copy()
    k2[1, :, 4:], v2[1, :, 4:] = 1e3, -1e3
    assert np.array_equal(attention_forward(q, k2, v2, padding_mask([S, 4], S))[0], out), "what the filling holds"
    assert not cache.weights[1, ..., 4:].any()


def test_a_fully_blocked_row_gives_zero_and_takes_no_gradient():
    q, k, v = qkv()
    mask = np.ones((T, S), bool)
    mask[3] = False
    out, cache = attention_forward(q, k, v, mask)
    dq, dk, dv = attention_backward(np.random.default_rng(2).standard_normal(out.shape), cache)
    assert not out[..., 3, :].any() and not dq[..., 3, :].any()
    assert np.isfinite(dk).all() and np.isfinite(dv).all()


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(S)), st.permutations(range(T)))
def test_keys_are_a_set_and_queries_are_independent(key_order, query_order):
    q, k, v = qkv()
    out, _ = attention_forward(q, k, v)
    shuffled, _ = attention_forward(q[..., query_order, :], k[..., key_order, :], v[..., key_order, :])
    np.testing.assert_allclose(shuffled, out[..., query_order, :], rtol=1e-11, atol=1e-14)


def test_the_output_stays_inside_the_range_of_the_values():
    q, k, v = qkv()
    out, _ = attention_forward(q, k, v)
    assert (out <= v.max(axis=-2, keepdims=True) + 1e-12).all()
    assert (out >= v.min(axis=-2, keepdims=True) - 1e-12).all()


def test_the_gradient_at_the_scores_is_the_softmax_jacobian_applied_to_dp():
    q, k, v = qkv()
    out, cache = attention_forward(q, k, v)
    steps = attention_backward_steps(np.random.default_rng(3).standard_normal(out.shape), cache)
    applied = (softmax_jacobian(cache.weights) @ steps.dp[..., None])[..., 0]
    np.testing.assert_allclose(steps.ds, applied, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(steps.ds.sum(axis=-1), 0, atol=1e-13)


def test_a_query_that_matches_one_key_reads_its_value():
    k = np.eye(4)[None]
    v = np.arange(8.0).reshape(1, 4, 2)
    out, _ = attention_forward(100.0 * k[:, 2:3], k, v)
    np.testing.assert_allclose(out[0, 0], v[0, 2], rtol=1e-12)


def test_queries_of_1e30_pick_one_key_without_overflow():
    out, _ = attention_forward(np.array([[1e30, 0.0]]), np.eye(2), np.array([[1.0], [2.0]]))
    assert np.array_equal(out, [[1.0]])


@pytest.mark.parametrize(("n_queries", "n_keys"), [(0, 7), (5, 0), (0, 0)])
def test_length_zero_works_both_ways(n_queries, n_keys):
    q, k, v = np.ones((B, n_queries, D)), np.ones((B, n_keys, D)), np.ones((B, n_keys, DV))
    out, cache = attention_forward(q, k, v)
    assert out.shape == (B, n_queries, DV) and not out.any(), "with no keys there is nothing to read"
    grads = attention_backward(np.ones_like(out), cache)
    assert [grad.shape for grad in grads] == [q.shape, k.shape, v.shape]
    assert all(not grad.any() for grad in grads)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"k": np.ones((S, 3))}, ValueError, "keys have width 3 but queries have 4"),
        ({"v": np.ones((6, DV))}, ValueError, "there are 7 keys but 6 values"),
        ({"mask": np.ones((T, S))}, TypeError, "mask must be boolean"),
        ({"mask": np.ones((T, 6), bool)}, ValueError, "mask covers 6 keys but there are 7"),
        ({"mask": np.ones((4, S), bool)}, ValueError, "mask covers 4 queries but there are 5"),
    ],
)
def test_what_does_not_fit_is_named(change, error, words):
    given_ = {"q": np.ones((T, D)), "k": np.ones((S, D)), "v": np.ones((S, DV))} | change
    with pytest.raises(error, match=words):
        attention_forward(**given_)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda q, k, v, mask: (q, k[..., 1:], v, mask), "keys have width 3 but queries have 4"),
        (lambda q, k, v, mask: (q, k, v[..., 1:, :], mask), "7 keys but 6 values"),
        (lambda q, k, v, mask: (q, k, v, mask[:, 1:]), "mask covers 6 keys but there are 7"),
    ],
)
def test_what_does_not_fit_is_named_before_anything_is_computed(change, words):
    with pytest.raises(ValueError, match=words):
        check_attention_shapes(*change(*qkv(), np.ones((T, S), dtype=bool)))


def test_keys_and_values_that_fit_the_queries_but_not_each_other_are_named():
    q, k, v = (np.ones((n, 2, 4)) for n in (1, 3, 2))
    with pytest.raises(ValueError, match=r"values for \(2,\) in front do not fit \(3,\)"):
        attention_forward(q, k, v)
    q, k, v = (np.ones((n, 2, 4)) for n in (2, 1, 3))
    with pytest.raises(ValueError, match=r"values for \(3,\) in front do not fit \(2,\)"):
        attention_forward(q, k, v)
