"""Relative keys and values against their definition."""

import math

import numpy as np
import pytest

from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.relative_keys_values import (
    relative_keys_values_attention_backward,
    relative_keys_values_attention_forward,
)
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward

B, H, T, S, D, DV, C = 2, 3, 5, 7, 4, 6, 2


def inputs(c=C, n_queries=T, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"q": (B, H, n_queries, D), "k": (B, H, S, D), "v": (B, H, S, DV)}
    shapes |= {"a_k": (2 * c + 1, D), "a_v": (2 * c + 1, DV)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("c", [0, 1, 2, 20])
@pytest.mark.parametrize("past", [0, 2])
def test_it_equals_a_loop_over_equations_3_and_4(c, past):
    given = inputs(c)
    q, k, v, a_k, a_v = given.values()
    mask = np.random.default_rng(1).random((T, S)) < 0.7
    mask[:, 1] = True
    dropout = np.random.default_rng(2).random((B, H, T, S))
    out, _ = relative_keys_values_attention_forward(**given, mask=mask, dropout=dropout, past=past)
    for b in range(B):
        for h in range(H):
            for i in range(T):
                rows = [min(max(j - i - past, -c), c) + c for j in range(S)]
                scores = [q[b, h, i] @ (k[b, h, j] + a_k[rows[j]]) / math.sqrt(D) for j in range(S)]
                e = np.exp(scores) * mask[i]
                weights = e / e.sum() * dropout[b, h, i]
                z = sum(weights[j] * (v[b, h, j] + a_v[rows[j]]) for j in range(S))
                np.testing.assert_allclose(out[b, h, i], z, rtol=1e-11)


def test_a_single_sequence_needs_no_axes_for_batch_and_heads_and_gradients_of_tables_add_up():
    given = inputs()
    out, cache = relative_keys_values_attention_forward(**given)
    dout = np.random.default_rng(3).standard_normal(out.shape)
    grads = relative_keys_values_attention_backward(dout, cache)
    da_k, da_v = np.zeros_like(grads.da_k), np.zeros_like(grads.da_v)
    for b in range(B):
        for h in range(H):
            alone = {name: x[b, h] if x.ndim == 4 else x for name, x in given.items()}
            y, alone_cache = relative_keys_values_attention_forward(**alone)
            np.testing.assert_allclose(y, out[b, h], rtol=1e-12)
            mine = relative_keys_values_attention_backward(dout[b, h], alone_cache)
            np.testing.assert_allclose(mine.dq, grads.dq[b, h], atol=1e-13)
            da_k, da_v = da_k + mine.da_k, da_v + mine.da_v
    np.testing.assert_allclose(da_k, grads.da_k, atol=1e-12)
    np.testing.assert_allclose(da_v, grads.da_v, atol=1e-12)


def test_with_tables_of_zeros_it_is_plain_attention_forwards_and_backwards():
    given = inputs()
    given["a_k"], given["a_v"] = 0 * given["a_k"], 0 * given["a_v"]
    out, cache = relative_keys_values_attention_forward(**given)
    want, plain = attention_forward(given["q"], given["k"], given["v"])
    np.testing.assert_allclose(out, want, rtol=1e-13)
    dout = np.random.default_rng(1).standard_normal(out.shape)
    grads = relative_keys_values_attention_backward(dout, cache)
    for have, expected in zip(grads[:3], attention_backward(dout, plain), strict=True):
        np.testing.assert_allclose(have, expected, atol=1e-13)


def test_a_table_with_equal_rows_adds_the_same_to_every_value():
    given = inputs()
    row = np.arange(1.0, DV + 1)
    given["a_v"] = np.broadcast_to(row, given["a_v"].shape)
    with_row, _ = relative_keys_values_attention_forward(**given)
    given["a_v"] = np.zeros((2 * C + 1, DV))
    without, _ = relative_keys_values_attention_forward(**given)
    np.testing.assert_allclose(with_row, without + row, rtol=1e-12)


def test_distances_beyond_the_cut_off_look_alike():
    weights = relative_keys_values_attention_forward(**inputs() | {"k": np.zeros((B, H, S, D))})[1].weights
    np.testing.assert_allclose(weights[..., 0, 2:], np.broadcast_to(weights[..., 0, 2:3], (B, H, S - 2)), rtol=1e-13)
    assert not np.isclose(weights[0, 0, 0, 1], weights[0, 0, 0, 2])


def test_rows_of_distances_that_do_not_occur_have_gradient_0():
    out, cache = relative_keys_values_attention_forward(**inputs(20))
    grads = relative_keys_values_attention_backward(np.ones_like(out), cache)
    for table in (grads.da_k, grads.da_v):
        occurs = np.abs(np.arange(-20, 21) - 1) <= 5  # j - i from -4 to 6
        assert np.array_equal(table.any(axis=1), occurs)


def test_reading_on_behind_stored_keys_equals_reading_at_once():
    given = inputs(n_queries=S)
    whole, _ = relative_keys_values_attention_forward(**given, mask=causal_mask(S))
    for done in range(S):
        rest = {**given, "q": given["q"][:, :, done:]}
        mask = causal_mask(S - done, S, past=done)
        out, _ = relative_keys_values_attention_forward(**rest, mask=mask, past=done)
        np.testing.assert_allclose(out, whole[:, :, done:], rtol=1e-12)


def test_zero_queries_and_zero_keys_work_both_ways():
    for t, s in ((0, 3), (2, 0)):
        q, kv, table = np.ones((B, H, t, D)), np.ones((B, H, s, D)), np.ones((3, D))
        out, cache = relative_keys_values_attention_forward(q, kv, kv, table, table)
        assert out.shape == (B, H, t, D) and not out.any()
        assert not relative_keys_values_attention_backward(out, cache).da_k.any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"a_k": np.ones((4, D)), "a_v": np.ones((4, DV))}, "2c [+] 1 rows, not 4"),
        ({"a_k": np.ones((3, D))}, "not 3 for keys and 5 for values"),
        ({"a_v": np.ones((5, DV + 1))}, r"tables \(5, 4\) and \(5, 7\) do not fit"),
        ({"v": np.ones((B, H, S + 1, DV))}, "7 keys but 8 values"),
    ],
)
def test_what_does_not_fit_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        relative_keys_values_attention_forward(**{**inputs(), **change})
