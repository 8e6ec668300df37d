"""Sparse Transformer: equal to exact attention under its masks, and everything within two steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.efficient.test_gathered_attention import assert_equal, both_ways
from tests.efficient.test_longformer import EXACT, heads
from tfx.efficient.sparse_transformer import (
    PARTS,
    PATTERNS,
    sparse_transformer_attention_backward,
    sparse_transformer_attention_forward,
    sparse_transformer_mask,
    sparse_transformer_table,
)
from tfx.ops.attention.masks import causal_mask

SPARSE = (sparse_transformer_attention_forward, sparse_transformer_attention_backward)
every_pattern = pytest.mark.parametrize("pattern", PATTERNS)
every_part = pytest.mark.parametrize("part", PARTS)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 9),
    st.integers(0, 3),
    st.integers(1, 11),
    st.integers(1, 2),
    st.sampled_from(PATTERNS),
    st.sampled_from([*PARTS, "split"]),
    st.booleans(),
    st.integers(0, 99),
)
def test_any_pattern_equals_exact_attention_under_its_mask_both_ways(t, past, stride, c, pattern, part, causal, seed):
    q, k, v = heads(t, t + past, seed)
    options = {"stride": stride, "pattern": pattern, "n_summary": min(c, stride), "causal": causal}
    each = ("local", "distant", "local") if part == "split" else (part,)
    pattern_mask = np.stack([sparse_transformer_mask(t, t + past, part=one, **options) for one in each])
    mask = np.random.default_rng(seed).random((2, 1, t, t + past)) < 0.8
    want = both_ways(*EXACT, q, k, v, mask & pattern_mask, 0.7)
    assert_equal(both_ways(*SPARSE, q, k, v, mask, 0.7, part=part, **options), want)


def test_the_strided_pattern():
    local, distant = (sparse_transformer_mask(9, stride=3, part=part)[8] for part in ("local", "distant"))
    assert np.flatnonzero(local).tolist() == [5, 6, 7, 8]
    assert np.flatnonzero(distant).tolist() == [2, 5, 8]


def test_the_fixed_pattern():
    options = {"stride": 3, "pattern": "fixed"}
    local, distant = (sparse_transformer_mask(9, part=part, **options)[7] for part in ("local", "distant"))
    assert np.flatnonzero(local).tolist() == [6, 7]
    assert np.flatnonzero(distant).tolist() == [2, 5]
    two = sparse_transformer_mask(9, part="distant", n_summary=2, **options)[8]
    assert np.flatnonzero(two).tolist() == [1, 2, 4, 5, 7, 8]


@every_pattern
@pytest.mark.parametrize("length", [10, 12, 16, 17])
def test_two_steps_reach_everything_and_one_does_not(pattern, length):
    local, distant = (sparse_transformer_mask(length, stride=4, pattern=pattern, part=part) for part in PARTS[:2])
    union, everything = local | distant, causal_mask(length)
    assert np.array_equal(union @ union, everything)
    assert not np.array_equal(union, everything)
    assert not np.array_equal(local @ local, everything)
    assert not np.array_equal(distant @ distant, everything)


def test_strided_a_distant_step_and_then_a_local_one_is_enough():
    local, distant = (sparse_transformer_mask(17, stride=4, part=part) for part in PARTS[:2])
    assert np.array_equal(distant @ local, causal_mask(17))


@every_pattern
@pytest.mark.parametrize("part", ["local", "merged"])
def test_a_stride_as_long_as_the_sequence_is_full_causal_attention(pattern, part):
    q, k, v = heads(7, 7)
    want = both_ways(*EXACT, q, k, v, causal_mask(7))
    assert_equal(both_ways(*SPARSE, q, k, v, stride=7, pattern=pattern, part=part), want)


@every_pattern
def test_a_stride_of_one_makes_the_distant_part_full(pattern):
    q, k, v = heads(7, 7)
    want = both_ways(*EXACT, q, k, v, causal_mask(7))
    assert_equal(both_ways(*SPARSE, q, k, v, stride=1, pattern=pattern, part="distant"), want)


@every_pattern
@every_part
def test_the_number_of_scores_is_that_of_the_pairs_within_a_small_factor(pattern, part):
    """Blocks on a diagonal are half blocked; gathered query by query, hardly anything is made in vain."""
    for length in (64, 256, 1024):
        stride = round(length**0.5)
        table = sparse_transformer_table(length, length, stride, pattern, part)
        pairs = sparse_transformer_mask(length, stride=stride, pattern=pattern, part=part).sum()
        assert np.array_equal(table.mask(length).sum(), pairs)
        assert table.n_scores < 2.3 * pairs
        assert table.n_scores <= 4 * length * stride  # T^1.5


def test_in_split_heads_even_ones_are_local_and_odd_ones_distant():
    q, k, v = heads(9, 9)
    out, _ = sparse_transformer_attention_forward(q, k, v, stride=3)
    for h, part in enumerate(("local", "distant", "local")):
        alone, _ = sparse_transformer_attention_forward(q[:, h], k[:, h], v[:, h], stride=3, part=part)
        np.testing.assert_allclose(out[:, h], alone, atol=1e-14)


@pytest.mark.parametrize("shape", [(2, 9, 4), (4, 9, 3), (2, 2, 5, 9, 3)])
def test_heads_are_the_third_axis_from_the_end_however_many_there_are(shape):
    q, k, v = np.random.default_rng(0).standard_normal((3, *shape))
    each = [("local", "distant")[h % 2] for h in range(shape[-3])]
    mask = np.stack([sparse_transformer_mask(9, stride=3, part=part) for part in each])
    assert_equal(both_ways(*SPARSE, q, k, v, stride=3), both_ways(*EXACT, q, k, v, mask))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "stride must be at least 1, not 0"),
        ({"stride": 2, "n_summary": 3}, "a stride of 2 places, 3 of them a summary"),
        ({"stride": 2, "pattern": "random"}, "pattern must be one of strided, fixed, not 'random'"),
        ({"stride": 2, "part": "near"}, "part must be one of split, local, distant, merged, not 'near'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        sparse_transformer_attention_forward(*heads(7, 7), **options)


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((5, 5), {"stride": 0}, "stride must be at least 1, not 0"),
        ((5, 5), {"stride": 2, "n_summary": 0}, "n_summary must be at least 1, not 0"),
        ((5, 5), {"stride": 2, "n_summary": 3}, "a stride of 2 places, 3 of them a summary"),
        ((5, 4), {"stride": 2}, "5 queries stand at the last of only 4 keys"),
        ((-1, 4), {"stride": 2}, "the number of queries must be at least 0, not -1"),
    ],
)
@pytest.mark.parametrize("make", [sparse_transformer_mask, sparse_transformer_table])
def test_the_mask_and_the_table_refuse_the_same_sizes(make, sizes, options, message):
    with pytest.raises(ValueError, match=message):
        make(*sizes, pattern="fixed", part="local", **options)


def test_unless_told_the_mask_has_a_stride_of_one_which_is_everything():
    assert np.array_equal(sparse_transformer_mask(5), causal_mask(5))


def test_one_head_cannot_be_split_and_queries_need_their_keys():
    q = np.ones((5, 4))
    with pytest.raises(ValueError, match="one head alone cannot be split"):
        sparse_transformer_attention_forward(q, q, q, stride=2)
    with pytest.raises(ValueError, match="one head alone cannot be split"):
        sparse_transformer_attention_forward(q[None], q[None], q[None], stride=2)
    with pytest.raises(ValueError, match="5 queries stand at the last of only 3 keys"):
        sparse_transformer_attention_forward(q, q[:3], q[:3], stride=2, part="local")
