"""Gathered attention: exact attention under the mask that its table stands for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.efficient.gathered_attention import (
    gathered_attention_backward,
    gathered_attention_forward,
    gathering,
    gathering_of_mask,
)
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward


def both_ways(forward, backward, q, k, v, *args, **settings):
    out, cache = forward(q, k, v, *args, **settings)
    return out, *backward(np.random.default_rng(1).standard_normal(out.shape), cache)


def assert_equal(have, want):
    for a, b in zip(have, want, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.floats(0, 1), st.integers(0, 99))
def test_the_table_of_any_mask_gives_exact_attention_under_that_mask(t, s, density, seed):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.standard_normal((2, 3, n, d)) for n, d in ((t, 4), (s, 4), (s, 5)))
    mask = rng.random((t, s)) < density
    table = gathering_of_mask(mask)
    assert np.array_equal(table.mask(s), mask)
    want = both_ways(attention_forward, attention_backward, q, k, v, mask)
    assert_equal(both_ways(gathered_attention_forward, gathered_attention_backward, q, k, v, table=table), want)


@pytest.mark.parametrize("shape", [(), (7,), (1, 7), (5, 1), (5, 7), (2, 1, 1, 7), (2, 3, 5, 1), (4, 1, 1, 5, 7)])
def test_a_mask_of_any_broadcastable_shape_blocks_further(shape):
    rng = np.random.default_rng(0)
    q, k, v = rng.standard_normal((2, 3, 5, 4)), rng.standard_normal((3, 7, 4)), rng.standard_normal((2, 1, 7, 2))
    mask, pattern = np.asarray(rng.random(shape) < 0.6), rng.random((5, 7)) < 0.7
    table = gathering_of_mask(pattern)
    want = both_ways(attention_forward, attention_backward, q, k, v, mask & pattern, 0.7)
    have = both_ways(gathered_attention_forward, gathered_attention_backward, q, k, v, mask, 0.7, table=table)
    assert_equal(have, want)


@pytest.mark.parametrize("shape", [(), (7,), (1, 7), (5, 1), (5, 7), (3, 1, 7), (2, 3, 5, 1)])
def test_whole_rows_are_blocked_further_by_a_mask_of_any_broadcastable_shape(shape):
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((2, 3, n, 4)) for n in (5, 7, 7))
    mask = np.asarray(rng.random(shape) < 0.6)
    blocks = np.arange(5)[:, None], rng.integers(0, 7, (5, 1)), np.ones((5, 1, 1), bool)
    table = gathering(*blocks, 5, 7, rows=(1, 4))
    want = both_ways(attention_forward, attention_backward, q, k, v, mask & table.mask(7))
    assert_equal(both_ways(gathered_attention_forward, gathered_attention_backward, q, k, v, mask, table=table), want)


def test_only_the_scores_of_the_table_are_made():
    mask = np.tri(6, dtype=bool) & ~np.tri(6, k=-3, dtype=bool)  # two back and itself
    q = np.ones((6, 2))
    table = gathering_of_mask(mask)
    _, cache = gathered_attention_forward(q, q, q, table=table)
    assert cache.attention.weights.shape == (6, 1, 3)
    assert table.n_scores == 6 * 3


def test_a_query_that_reads_nothing_gives_zero_and_takes_no_gradient():
    q, k, v = np.random.default_rng(0).standard_normal((3, 4, 3))
    mask = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 1]], bool)
    table = gathering_of_mask(mask)
    out, dq, dk, dv = both_ways(gathered_attention_forward, gathered_attention_backward, q, k, v, table=table)
    assert not out[1].any() and not dq[1].any()
    assert not dk[2].any() and not dv[2].any()  # nobody reads key 2


@pytest.mark.parametrize("queries", [[[0, 1], [1, 2]], [[0, 1], [-1, 3]]])
def test_a_table_with_a_query_twice_or_missing_is_refused(queries):
    with pytest.raises(ValueError, match="every one of 3 queries has to stand in exactly one slot"):
        gathering(np.array(queries), np.zeros((2, 1), int), np.ones((2, 2, 1), bool), 3, 1)


def test_numbers_outside_the_sequence_are_empty_slots():
    queries, keys = np.array([[0, 3], [-1, 3], [2, 1]]), np.array([[0, 4], [1, 2], [-1, 3]])
    table = gathering(queries, keys, np.ones((3, 2, 2), bool), 3, 4)
    assert table.mask(4).astype(int).tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    assert table.allowed.shape == (2, 2, 2)  # the second block had no query


def test_whole_rows_are_read_whole_or_up_to_the_query():
    none, keys = np.arange(3)[:, None], np.zeros((3, 1), int)
    tables = [
        gathering(none, keys, np.ones((3, 1, 1), bool), 3, 5, rows=(1,), causal=causal) for causal in (False, True)
    ]
    assert [table.mask(5)[1].astype(int).tolist() for table in tables] == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]
    assert tables[0].n_scores == 3 + 5


@pytest.mark.parametrize("lead", [(), (2,), (2, 1, 3)])
def test_any_leading_axes_will_do(lead):
    q, k, v = (np.random.default_rng(n).standard_normal((*lead, n, 4)) for n in (3, 5, 5))
    queries, keys = np.array([[0, 2], [1, -1]]), np.array([[0, 4], [1, 2]])
    table = gathering(queries, keys, np.ones((2, 2, 2), bool), 3, 5, rows=(1,))
    want = both_ways(attention_forward, attention_backward, q, k, v, table.mask(5))
    assert_equal(both_ways(gathered_attention_forward, gathered_attention_backward, q, k, v, table=table), want)


def test_a_table_that_reads_one_key_too_many_is_refused():
    x = np.ones((4, 2))
    with pytest.raises(ValueError, match="the table reads key 3 but there are 3"):
        gathered_attention_forward(x, x[:3], x[:3], table=gathering_of_mask(np.ones((4, 4), bool)))


def test_empty_slots_hold_a_number_that_exists_however_few_there_are():
    x = np.ones((1, 2))
    table = gathering(np.array([[0, 1], [2, -1]]), np.array([[0, -1], [5, 0]]), np.ones((2, 2, 2), bool), 3, 1)
    assert not table.keys.any() and table.mask(1).all()
    assert np.array_equal(gathered_attention_forward(np.ones((3, 2)), x, x, table=table)[0], np.ones((3, 2)))


def test_arrays_that_do_not_fit_each_other_are_named_and_not_the_table():
    x, table = np.ones((4, 2)), gathering_of_mask(np.ones((4, 4), bool))
    with pytest.raises(ValueError, match="there are 4 keys but 3 values"):
        gathered_attention_forward(x, x, x[:3], table=table)
    with pytest.raises(TypeError, match="mask must be boolean"):
        gathered_attention_forward(x, x, x, np.ones((4, 4)), table=table)


def test_a_table_for_another_length_is_refused():
    x = np.ones((4, 2))
    with pytest.raises(ValueError, match="the table is for 3 queries but there are 4"):
        gathered_attention_forward(x, x, x, table=gathering_of_mask(np.ones((3, 4), bool)))
