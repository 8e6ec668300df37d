"""Longformer: equal to exact attention under the mask of its pattern, at a cost that grows with the length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.efficient.test_gathered_attention import assert_equal, both_ways
from tfx.efficient.longformer import (
    longformer_attention_backward,
    longformer_attention_forward,
    longformer_mask,
    longformer_table,
)
from tfx.ops.attention.masks import causal_mask, window_mask
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward

LONGFORMER = (longformer_attention_forward, longformer_attention_backward)
EXACT = (attention_forward, attention_backward)


def heads(n_queries, n_keys, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 3, n, d)) for n, d in ((n_queries, 4), (n_keys, 4), (n_keys, 5)))


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 9),
    st.integers(0, 3),
    st.integers(0, 11),
    st.integers(1, 4),
    st.sets(st.integers(0, 11)),
    st.booleans(),
    st.integers(0, 99),
)
def test_any_pattern_equals_exact_attention_under_its_mask_both_ways(t, past, window, dilation, places, causal, seed):
    places = [place for place in places if place < t + past]
    q, k, v = heads(t, t + past, seed)
    pattern = {"window": window, "dilation": dilation, "global_places": places, "causal": causal}
    mask = np.random.default_rng(seed).random((2, 1, t, t + past)) < 0.8
    want = both_ways(*EXACT, q, k, v, mask & longformer_mask(t, t + past, **pattern), 0.7)
    assert_equal(both_ways(*LONGFORMER, q, k, v, mask, 0.7, **pattern), want)


@pytest.mark.parametrize("window", [6, 7, 100])
@pytest.mark.parametrize("causal", [False, True])
def test_a_window_as_wide_as_the_sequence_is_full_attention(window, causal):
    q, k, v = heads(7, 7)
    want = both_ways(*EXACT, q, k, v, causal_mask(7) if causal else None)
    assert_equal(both_ways(*LONGFORMER, q, k, v, window=window, causal=causal), want)


def test_all_tokens_global_is_full_attention():
    q, k, v = heads(7, 7)
    assert_equal(both_ways(*LONGFORMER, q, k, v, window=0, global_places=range(7)), both_ways(*EXACT, q, k, v))


def test_the_mask_of_a_plain_window_is_the_window_mask():
    assert np.array_equal(longformer_mask(9, window=2), window_mask(9, left=2, right=2))
    assert np.array_equal(longformer_mask(4, 9, window=2, causal=True), window_mask(4, 9, left=2, right=0, past=5))


def test_unless_told_the_mask_has_no_window_and_everybody_reads_itself_alone():
    assert np.array_equal(longformer_mask(5), np.eye(5, dtype=bool))


def test_a_dilated_window_reads_every_second_place():
    row = longformer_mask(11, window=2, dilation=2)[5]
    assert np.flatnonzero(row).tolist() == [1, 3, 5, 7, 9]


def test_global_attention_is_symmetric():
    mask = longformer_mask(9, window=1, global_places=(3,))
    assert mask[3].all() and mask[:, 3].all() and np.array_equal(mask, mask.T)


def test_each_head_has_its_own_dilation():
    q, k, v = heads(9, 9)
    mask = np.stack([longformer_mask(9, window=2, dilation=d, global_places=(4,)) for d in (3, 1, 1)])
    have = both_ways(*LONGFORMER, q, k, v, window=2, dilation=(3, 1, 1), global_places=(4,))
    assert_equal(have, both_ways(*EXACT, q, k, v, mask))


def test_one_head_of_keys_serves_heads_of_different_dilations():
    q, k, v = heads(9, 9)
    k, v = k[:, :1], v[:, :1]
    mask = np.stack([longformer_mask(9, window=1, dilation=d) for d in (1, 2, 4)])
    assert_equal(both_ways(*LONGFORMER, q, k, v, window=1, dilation=(1, 2, 4)), both_ways(*EXACT, q, k, v, mask))


@pytest.mark.parametrize("shape", [(), (7,), (1, 7), (7, 1), (3, 7, 7), (2, 1, 1, 7), (2, 3, 7, 1)])
def test_a_mask_of_any_broadcastable_shape_blocks_further(shape):
    q, k, v = heads(7, 7)
    mask = np.asarray(np.random.default_rng(5).random(shape) < 0.7)
    pattern = np.stack([longformer_mask(7, window=1, dilation=d, global_places=(0,)) for d in (1, 2, 3)])
    have = both_ways(*LONGFORMER, q, k, v, mask, window=1, dilation=(1, 2, 3), global_places=(0,))
    assert_equal(have, both_ways(*EXACT, q, k, v, mask & pattern))


@pytest.mark.parametrize(("causal", "per_query"), [(False, 3 * 8 + 2), (True, 2 * 8 + 2)])
def test_the_number_of_scores_grows_with_the_length_and_not_with_its_square(causal, per_query):
    for length in (64, 128, 1024):
        assert longformer_table(length, length, 8, 1, (0,), causal).n_scores == length * per_query
        assert longformer_table(length, length, 8, 2, (0,), causal).n_scores == length * per_query


@pytest.mark.parametrize(
    ("settings", "shape"),  # blocks, queries and keys of a block
    [
        ((10, 10, 3), (4, 3, 9)),
        ((7, 7, 5), (2, 5, 12)),
        ((7, 7, 6), (1, 7, 7)),
        ((7, 7, 9), (1, 7, 7)),
        ((9, 9, 2, 2), (5, 2, 6)),
        ((9, 9, 3, 2), (4, 3, 8)),
        ((9, 9, 4, 2), (2, 5, 5)),
        ((4, 9, 2), (3, 2, 6)),
        ((6, 6, 0), (6, 1, 1)),
        ((1, 1, 2), (1, 1, 1)),
        ((3, 3, 2, 3), (3, 1, 1)),
        ((10, 10, 3, 1, (0,), True), (4, 3, 7)),
    ],
)
def test_blocks_are_as_long_as_the_window_and_one_is_enough_where_everybody_reads_everybody(settings, shape):
    assert longformer_table(*settings).allowed.shape == shape


@pytest.mark.parametrize("lead", [(), (2,), (2, 1, 3)])
def test_any_leading_axes_will_do(lead):
    q, k, v = (np.random.default_rng(n).standard_normal((*lead, n, 4)) for n in (5, 7, 7))
    pattern = {"window": 1, "global_places": (4,), "causal": True}
    want = both_ways(*EXACT, q, k, v, longformer_mask(5, 7, **pattern))
    assert_equal(both_ways(*LONGFORMER, q, k, v, **pattern), want)


@pytest.mark.parametrize("places", [(), (0, 7)])
@pytest.mark.parametrize("causal", [False, True])
def test_the_table_stands_for_the_mask(places, causal):
    table = longformer_table(10, 10, 3, 2, places, causal)
    assert np.array_equal(table.mask(10), longformer_mask(10, None, 3, 2, places, causal))


def test_changing_a_key_outside_the_window_changes_nothing():
    q, k, v = heads(12, 12)
    out, _ = longformer_attention_forward(q, k, v, window=2)
    changed = k.copy()
    changed[..., 8, :] += 1
    again, _ = longformer_attention_forward(q, changed, v, window=2)
    assert np.array_equal(out[..., :6, :], again[..., :6, :]) and np.array_equal(out[..., 11:, :], again[..., 11:, :])
    assert not np.isclose(out[..., 6:11, :], again[..., 6:11, :]).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": -1}, "window must be at least 0, not -1"),
        ({"window": 1, "dilation": 0}, "dilation must be at least 1, not 0"),
        ({"window": 1, "dilation": (1, 2)}, "2 dilations do not fit 3 heads"),
        ({"window": 1, "global_places": (7,)}, "global place 7 is outside a sequence of 7"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        longformer_attention_forward(*heads(7, 7), **settings)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [((5, 5, -1), "window"), ((5, 5, 1, 0), "dilation"), ((5, 4, 1), "5 queries"), ((-1, 4, 1), "number of queries")],
)
@pytest.mark.parametrize("make", [longformer_mask, longformer_table])
def test_the_mask_and_the_table_refuse_the_same_sizes(make, sizes, message):
    with pytest.raises(ValueError, match=message):
        make(*sizes)


def test_more_queries_than_keys_are_refused():
    with pytest.raises(ValueError, match="7 queries stand at the last of only 5 keys"):
        longformer_attention_forward(*heads(7, 5), window=1)
