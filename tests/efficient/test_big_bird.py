"""BigBird: equal to exact attention under the mask of its blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.efficient.test_gathered_attention import assert_equal, both_ways
from tests.efficient.test_longformer import EXACT, heads
from tfx.efficient.big_bird import (
    big_bird_attention_backward,
    big_bird_attention_forward,
    big_bird_blocks,
    big_bird_mask,
    big_bird_table,
)
from tfx.ops.attention.masks import causal_mask

BIG_BIRD = (big_bird_attention_forward, big_bird_attention_backward)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 11),
    st.integers(0, 3),
    st.integers(1, 5),
    st.sampled_from([1, 3]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.booleans(),
    st.integers(0, 99),
)
def test_any_pattern_equals_exact_attention_under_its_mask_both_ways(t, past, block, w, g, r, causal, seed):
    q, k, v = heads(t, t + past, seed)
    pattern = {"block": block, "n_window": w, "n_global": g, "n_random": r, "causal": causal, "seed": seed}
    mask = np.random.default_rng(seed).random((2, 1, t, t + past)) < 0.8
    want = both_ways(*EXACT, q, k, v, mask & big_bird_mask(t, t + past, **pattern), 0.7)
    assert_equal(both_ways(*BIG_BIRD, q, k, v, mask, 0.7, **pattern), want)


@pytest.mark.parametrize("pattern", [{"n_global": 9}, {"n_window": 9}, {"n_random": 9}, {"block": 100}])
@pytest.mark.parametrize("causal", [False, True])
def test_all_blocks_global_or_in_the_window_or_drawn_is_full_attention(pattern, causal):
    q, k, v = heads(9, 9)
    want = both_ways(*EXACT, q, k, v, causal_mask(9) if causal else None)
    settings = {"block": 2, "n_window": 1, "n_global": 0, "n_random": 0, "causal": causal, **pattern}
    assert_equal(both_ways(*BIG_BIRD, q, k, v, **settings), want)


def test_the_blocks_of_a_pattern_without_random_ones():
    assert big_bird_blocks(5, n_window=3, n_global=1, n_random=0).astype(int).tolist() == [
        [1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 0, 1, 1, 1],
        [1, 0, 0, 1, 1],
    ]


def test_each_block_draws_as_many_random_ones_as_it_was_told_among_the_others():
    without, drawn = (big_bird_blocks(12, n_random=r) for r in (0, 2))
    assert (drawn & without == without).all()
    assert ((drawn & ~without).sum(axis=1)[1:] == 2).all()


def test_a_seed_always_draws_the_same_and_another_one_something_else():
    first, again, other = (big_bird_blocks(20, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_what_a_causal_block_draws_does_not_depend_on_what_follows():
    assert np.array_equal(big_bird_blocks(20, causal=True)[:12, :12], big_bird_blocks(12, causal=True))
    assert not np.triu(big_bird_blocks(20, causal=True), 1).any()


def test_random_blocks_shorten_the_longest_way():
    """How many steps until everybody has heard of everybody, without global blocks."""

    def steps(n_random):
        reads = big_bird_blocks(64, n_window=3, n_global=0, n_random=n_random)
        reach, count = reads, 1
        while not reach.all():
            reach, count = reach @ reads, count + 1
        return count

    assert steps(0) == 63
    assert steps(1) < 12 and steps(3) < 6


def test_a_global_block_joins_everything_in_two_steps():
    reads = big_bird_blocks(64, n_window=1, n_global=1, n_random=0)
    assert not reads.all() and (reads @ reads).all()


def test_the_number_of_scores_grows_with_the_length_and_not_with_its_square():
    for length in (64, 128, 1024):
        per_query = (3 + 1 + 2) * 4 + 4  # keys of a query, and its share in the four global rows
        assert big_bird_table(length, length, 4, 3, 1, 2).n_scores == length * per_query


def test_unless_told_there_are_three_blocks_in_the_window_one_global_and_one_random():
    told = {"n_window": 3, "n_global": 1, "n_random": 1}
    assert np.array_equal(big_bird_blocks(12), big_bird_blocks(12, **told))
    assert np.array_equal(big_bird_mask(24, block=2), big_bird_mask(24, block=2, **told))
    assert np.array_equal(big_bird_table(24, 24, 2).mask(24), big_bird_mask(24, block=2))
    assert np.array_equal(big_bird_mask(24), big_bird_mask(24, block=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block": 0}, "block must be at least 1, not 0"),
        ({"block": 2, "n_window": 2}, "n_window must be odd"),
        ({"block": 2, "n_random": -1}, "-1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        big_bird_attention_forward(*heads(7, 7), **options)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((5, 5, 0), "block must be at least 1, not 0"),
        ((5, 5, 2, 0), "n_window must be at least 1, not 0"),
        ((5, 5, 2, 2), "n_window must be odd"),
        ((5, 5, 2, 1, -1), "n_global must be at least 0, not -1"),
        ((5, 5, 2, 1, 0, -1), "n_random must be at least 0, not -1"),
        ((5, 4, 2), "5 queries stand at the last of only 4 keys"),
        ((-1, 4, 2), "the number of queries must be at least 0, not -1"),
    ],
)
@pytest.mark.parametrize("make", [big_bird_mask, big_bird_table])
def test_the_mask_and_the_table_refuse_the_same_sizes(make, sizes, message):
    with pytest.raises(ValueError, match=message):
        make(*sizes)


def test_more_queries_than_keys_are_refused():
    with pytest.raises(ValueError, match="7 queries stand at the last of only 5 keys"):
        big_bird_attention_forward(*heads(7, 5), block=2)
