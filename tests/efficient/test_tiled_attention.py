"""Tiled attention: equal to exact attention however it is cut, and never holding all of the scores."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.efficient.growth import attending, growth, operations, peak_bytes
from tfx.efficient import tiled_attention
from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.efficient.tiles import mask_tile, spans
from tfx.measure.held_memory import held_bytes
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.logsumexp import logsumexp_forward

LENGTHS, BLOCKS = st.integers(0, 9), st.integers(1, 11)


def both_ways(forward, backward, q, k, v, *args, **settings):
    out, cache = forward(q, k, v, *args, **settings)
    return out, *backward(np.random.default_rng(1).standard_normal(out.shape), cache)


def tiling(block_q, block_k):
    return tiled_attention.Tiling(1.0, block_q, block_k, causal=False, rate=0.0, seed=0)


def assert_equal(have, want):
    for a, b in zip(have, want, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(LENGTHS, LENGTHS, BLOCKS | st.none(), BLOCKS | st.none(), st.booleans(), st.floats(0, 1), st.integers(0, 99))
def test_any_tiles_and_any_mask_give_exact_attention_both_ways(t, s, block_q, block_k, causal, density, seed):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.standard_normal((2, 3, n, d)) for n, d in ((t, 4), (s, 4), (s, 5)))
    mask = rng.random((2, 1, t, s)) < density
    below = np.tri(t, s, s - t, dtype=bool)
    want = both_ways(attention_forward, attention_backward, q, k, v, mask & below if causal else mask)
    tiles = {"causal": causal, "block_q": block_q, "block_k": block_k}
    assert_equal(both_ways(tiled_attention_forward, tiled_attention_backward, q, k, v, mask, **tiles), want)


@pytest.mark.parametrize("shape", [(), (7,), (1, 7), (5, 1), (5, 7), (2, 1, 1, 7), (2, 3, 5, 1), (4, 1, 1, 5, 7)])
def test_a_mask_of_any_broadcastable_shape_is_cut_as_it_should(shape):
    rng = np.random.default_rng(0)
    q, k, v = rng.standard_normal((2, 3, 5, 4)), rng.standard_normal((3, 7, 4)), rng.standard_normal((2, 1, 7, 2))
    mask = np.asarray(rng.random(shape) < 0.6)
    want = both_ways(attention_forward, attention_backward, q, k, v, mask, 0.7)
    tiles = {"block_q": 2, "block_k": 3}
    assert_equal(both_ways(tiled_attention_forward, tiled_attention_backward, q, k, v, mask, 0.7, **tiles), want)


@pytest.mark.parametrize("tile_scores", [1, 8, 14, 4 * 6 * 5])
@pytest.mark.parametrize("lead_kv", [(3, 4), (3, 1), (4,), ()])
def test_however_many_heads_are_worked_on_together_the_result_is_the_same(monkeypatch, tile_scores, lead_kv):
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal(shape) for shape in ((3, 4, 6, 2), (*lead_kv, 5, 2), (*lead_kv, 5, 3)))
    tiled = {"block_q": 2, "block_k": 3, "rate": 0.2}
    mask = rng.random((3, 1, 6, 5)) < 0.7
    want = both_ways(tiled_attention_forward, tiled_attention_backward, q, k, v, mask, **tiled)
    monkeypatch.setattr(tiled_attention, "TILE_SCORES", tile_scores)
    cut = [heads.numbers.shape for heads in tiled_attention._heads(q, k, v, mask, tiling(2, 3))]
    assert sum(math.prod(shape) for shape in cut) == 3 * 4
    assert max(math.prod(shape) for shape in cut) == min(4, max(1, tile_scores // 6))
    assert_equal(both_ways(tiled_attention_forward, tiled_attention_backward, q, k, v, mask, **tiled), want)


def test_heads_of_one_score_are_worked_on_together_as_many_as_fit(monkeypatch):
    monkeypatch.setattr(tiled_attention, "TILE_SCORES", 4)
    x = np.ones((4, 1, 2))
    assert [heads.numbers.shape for heads in tiled_attention._heads(x, x, x, None, tiling(1, 1))] == [(4,)]


def test_unless_told_a_tile_holds_the_same_number_of_scores_however_few_queries_there_are():
    def blocks(n_queries, **told):
        x, y = np.ones((n_queries, 2)), np.ones((3, 2))
        return tiled_attention_forward(x, y, y, **told)[1].tiling[1:3]

    assert blocks(8192) == (256, 512)
    assert blocks(1) == (1, 256 * 512)
    assert blocks(100, block_q=32) == (32, 4096)
    assert blocks(128, block_q=1000) == (1000, 1024)
    assert blocks(2**18, block_q=2**18) == (2**18, 1)
    assert blocks(100, block_k=7) == (100, 7)
    assert blocks(0) == (1, 256 * 512)


def test_what_is_kept_is_the_logsumexp_of_each_row():
    q, k, v = np.random.default_rng(0).standard_normal((3, 2, 9, 4))
    _, cache = tiled_attention_forward(q, k, v, block_q=4, block_k=2)
    scores = q @ k.swapaxes(-1, -2) / 2
    np.testing.assert_allclose(cache.logsumexp[..., 0], logsumexp_forward(scores)[0], rtol=1e-14)


def test_a_fully_blocked_row_gives_zero_and_takes_no_gradient():
    q, k, v = np.random.default_rng(0).standard_normal((3, 5, 4))
    mask = np.ones((5, 5), bool)
    mask[3] = False
    out, dq, dk, dv = both_ways(tiled_attention_forward, tiled_attention_backward, q, k, v, mask, block_q=2, block_k=2)
    assert not out[3].any() and not dq[3].any()
    assert tiled_attention_forward(q, k, v, mask, block_q=2, block_k=2)[1].logsumexp[3] == 0
    assert np.isfinite([out, dq, dk, dv]).all()


def test_large_scores_neither_overflow_nor_warn():
    q = 1e4 * np.random.default_rng(0).standard_normal((6, 4))
    want = attention_forward(q, q, q)[0]
    np.testing.assert_allclose(tiled_attention_forward(q, q, q, block_k=2)[0], want, atol=1e-12)


def test_tiles_above_the_diagonal_are_never_made(monkeypatch):
    made = []
    scores = tiled_attention._scores
    monkeypatch.setattr(tiled_attention, "_scores", lambda *a: made.append(a[2:4]) or scores(*a))
    q = np.random.default_rng(0).standard_normal((8, 4))
    tiled_attention_forward(q, q, q, block_q=2, block_k=2, causal=True)
    assert len(made) == 4 * 5 / 2
    assert all(columns.start <= rows.start for rows, columns in made)


def test_a_tile_wider_than_high_ends_at_the_diagonal(monkeypatch):
    made = []
    scores = tiled_attention._scores
    monkeypatch.setattr(tiled_attention, "_scores", lambda *a: made.append(a[2:4]) or scores(*a))
    q = np.random.default_rng(0).standard_normal((8, 4))
    tiled_attention_forward(q, q, q, block_q=2, block_k=6, causal=True)
    assert [(rows.stop, columns.stop) for rows, columns in made] == [(2, 2), (4, 4), (6, 6), (8, 6), (8, 8)]


@pytest.mark.parametrize("past", [0, 4])
def test_causal_blocks_only_keys_that_not_all_queries_of_a_tile_may_see(monkeypatch, past):
    made = []
    diagonal_tile = tiled_attention.diagonal_tile
    monkeypatch.setattr(tiled_attention, "diagonal_tile", lambda *a: made.append(a[:2]) or diagonal_tile(*a))
    q, k = np.random.default_rng(0).standard_normal((8, 4)), np.random.default_rng(1).standard_normal((8 + past, 4))
    tiled_attention_forward(q, k, k, block_q=2, block_k=2, causal=True)
    assert [(rows.start, rows.stop) for rows, _ in made] == [(0, 2), (2, 4), (4, 6), (6, 8)]
    assert [(late.start - past, late.stop - past) for _, late in made] == [(1, 2), (3, 4), (5, 6), (7, 8)]


def test_causal_counts_from_the_last_query():
    q, k, v = (np.random.default_rng(0).standard_normal((n, 4)) for n in (3, 5, 5))
    want = attention_forward(q, k, v, causal_mask(3, past=2))[0]
    assert_equal([tiled_attention_forward(q, k, v, causal=True, block_q=2, block_k=2)[0]], [want])


def test_dropout_drops_the_same_weights_again_in_the_backward_and_is_right_on_average():
    q, k, v = np.random.default_rng(0).standard_normal((3, 6, 4))
    tiles = {"block_q": 4, "block_k": 2, "rate": 0.3}
    first, again, other = (tiled_attention_forward(q, k, v, seed=seed, **tiles)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    unless_told = tiled_attention_forward(q, k, v, **tiles)[0]
    assert np.array_equal(unless_told, tiled_attention_forward(q, k, v, seed=0, **tiles)[0])
    outs = np.array([tiled_attention_forward(q, k, v, seed=seed, **tiles)[0] for seed in range(400)])
    error = outs.std(axis=0) / math.sqrt(len(outs))
    assert (np.abs(outs.mean(axis=0) - attention_forward(q, k, v)[0]) < 5 * error).all()


def test_dropout_equals_exact_attention_with_the_multipliers_of_all_tiles_put_together():
    q, k, v = np.random.default_rng(0).standard_normal((3, 5, 4))
    tiles = {"block_q": 2, "block_k": 3, "rate": 0.4, "seed": 7}
    out, cache = tiled_attention_forward(q, k, v, **tiles)
    multiplier = np.empty((5, 5))
    (heads,) = tiled_attention._heads(q, k, v, None, cache.tiling)
    for rows in spans(5, 2):
        for columns in spans(5, 3):
            tile = multiplier[rows, columns]
            tile[...] = tiled_attention._dropout(tile, heads, rows, columns, cache.tiling)
    want = both_ways(attention_forward, attention_backward, q, k, v, dropout=multiplier)
    assert_equal((out, *tiled_attention_backward(np.random.default_rng(1).standard_normal((5, 4)), cache)), want)


@pytest.mark.parametrize("causal", [False, True])
def test_memory_grows_with_the_length_and_not_with_its_square(causal):
    run = attending(tiled_attention_forward, tiled_attention_backward, causal=causal, block_q=32, block_k=32)
    assert growth(peak_bytes, run) <= 1.1


def test_the_memory_of_exact_attention_does_grow_with_the_square():
    assert growth(peak_bytes, attending(attention_forward, attention_backward)) > 1.8


def test_the_arithmetic_is_that_of_exact_attention():
    tiled = attending(tiled_attention_forward, tiled_attention_backward)
    exact = attending(attention_forward, attention_backward)
    x = np.random.default_rng(0).standard_normal((512, 8))
    assert growth(operations, tiled, (512, 1024)) > 1.9
    assert 1.0 < operations(tiled, x) / operations(exact, x) < 1.4  # the scores, made once more


def test_beside_its_inputs_it_keeps_the_output_and_one_number_a_query():
    q, k, v = np.random.default_rng(0).standard_normal((3, 100, 8))
    _, cache = tiled_attention_forward(q, k, v)
    assert held_bytes(cache) - held_bytes((q, k, v)) == 8 * 100 * (8 + 1)


@pytest.mark.parametrize("name", ["block_q", "block_k"])
@pytest.mark.parametrize("length", [0, 3])
def test_a_block_below_one_is_refused_by_name(name, length):
    x = np.ones((length, 2))
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        tiled_attention_forward(x, x, x, **{name: 0})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": -0.1}, "rate must be at least 0 and below 1, not -0.1"),
        ({"rate": 1.0}, "rate must be at least 0 and below 1, not 1.0"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
    ],
)
def test_a_rate_or_a_seed_that_cannot_be_is_refused_even_where_nothing_is_dropped(settings, message):
    x = np.ones((0, 2))
    with pytest.raises(ValueError, match=message):
        tiled_attention_forward(x, x, x, **settings)


def test_spans_cover_every_index_once():
    assert [(s.start, s.stop) for s in spans(7, 3)] == [(0, 3), (3, 6), (6, 7)]
    assert spans(0, 3) == []
    assert mask_tile(None, slice(0, 1), slice(0, 1)) is None
