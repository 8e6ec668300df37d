"""Heads with tables of their own: each reads as it would alone."""

import numpy as np
import pytest

from tests.efficient.test_gathered_attention import assert_equal, both_ways
from tfx.efficient.gathered_attention import (
    gathered_attention_backward,
    gathered_attention_forward,
    gathering_of_mask,
)
from tfx.efficient.gathered_heads import count_heads, gathered_heads_backward, gathered_heads_forward

RNG = np.random.default_rng
FIRST, SECOND = (gathering_of_mask(RNG(n).random((5, 7)) < 0.6) for n in (1, 2))


def qkv(*lead):
    return (RNG(n).standard_normal((*lead, n, 4)) for n in (5, 7, 7))


@pytest.mark.parametrize("lead", [(3,), (2, 3), (2, 1, 3)])
def test_each_head_reads_by_the_table_of_its_group(lead):
    q, k, v = qkv(*lead)
    groups = [(slice(1, 3), SECOND), (slice(0, 1), FIRST)]
    have = both_ways(gathered_heads_forward, gathered_heads_backward, q, k, v, groups=groups)
    tables = np.stack([FIRST.mask(7), SECOND.mask(7), SECOND.mask(7)])
    everything = gathering_of_mask(np.ones((5, 7), bool))
    one = gathered_attention_forward, gathered_attention_backward
    assert_equal(have, both_ways(*one, q, k, v, tables, table=everything))


def test_without_an_axis_of_heads_there_is_one_group():
    q, k, v = qkv()
    have = both_ways(gathered_heads_forward, gathered_heads_backward, q, k, v, groups=[(slice(None), FIRST)])
    assert_equal(have, both_ways(gathered_attention_forward, gathered_attention_backward, q, k, v, table=FIRST))


@pytest.mark.parametrize(("shape", "n_heads"), [((5, 4), 1), ((3, 5, 4), 3), ((2, 1, 5, 4), 1), ((2, 3, 5, 4), 3)])
def test_heads_are_the_third_axis_from_the_end_and_one_where_there_is_none(shape, n_heads):
    assert count_heads(np.ones(shape)) == n_heads


def test_what_does_not_fit_is_named_before_heads_are_told_apart():
    q, k, v = qkv(3)
    with pytest.raises(ValueError, match=r"keys for \(2,\) in front do not fit \(3,\)"):
        gathered_heads_forward(q, k[:2], v[:2], groups=[(slice(None), FIRST)])
