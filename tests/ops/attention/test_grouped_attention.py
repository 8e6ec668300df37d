"""Grouped attention is attention with the shared keys and values repeated, but repeats nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.counting_array import CountingArray, counted
from tfx.ops.attention.grouped_attention import grouped_attention_backward, grouped_attention_forward
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.multi_head import repeat_heads, sum_repeated_heads
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward_steps, attention_forward

B, H, T, S, D, DV = 2, 6, 5, 7, 4, 3
RNG = np.random.default_rng(0)
OF_SCORES = {
    "nothing": {},
    "causal": {"mask": causal_mask(T, S, past=S - T)},
    "padding": {"mask": padding_mask([7, 3], S)},
    "a mask for each head": {"mask": RNG.random((B, H, T, S)) < 0.6},
    "a mask for each head of every row": {"mask": RNG.random((H, T, S)) < 0.6},
    "a bias for each head": {"bias": RNG.standard_normal((H, T, S))},
    "a bias for all heads": {"bias": RNG.standard_normal((T, S)), "soft_cap": 3.0},
    "a bias for each row": {"bias": RNG.standard_normal((B, 1, T, S)), "scale": 0.3},
    "dropout": {"dropout": RNG.integers(0, 2, (B, H, T, S)) * 2.0},
    "dropout of heads": {"dropout": RNG.integers(0, 2, (B, H, 1, 1)) * 2.0, "mask": causal_mask(T, S)},
}


def heads(n_groups, lead=(B,)):
    rng = np.random.default_rng(1)
    shapes = ((*lead, H, T, D), (*lead, n_groups, S, D), (*lead, n_groups, S, DV))
    return [rng.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize("n_groups", [1, 2, 3, 6])
@pytest.mark.parametrize("name", OF_SCORES)
def test_it_is_attention_over_repeated_keys_and_values_both_ways(n_groups, name):
    given, (q, k, v) = OF_SCORES[name], heads(n_groups)
    out, cache = grouped_attention_forward(q, k, v, **given)
    want, full = attention_forward(q, repeat_heads(k, H), repeat_heads(v, H), **given)
    np.testing.assert_allclose(out, want, rtol=0, atol=1e-12)
    rng = np.random.default_rng(2)
    dout, dweights = rng.standard_normal(out.shape), rng.standard_normal((B, H, T, S))
    for extra in (None, dweights):
        have, steps = grouped_attention_backward(dout, cache, extra), attention_backward_steps(dout, full, extra)
        np.testing.assert_allclose(have.dq, steps.dq, rtol=0, atol=1e-12)
        np.testing.assert_allclose(have.dk, sum_repeated_heads(steps.dk, n_groups), rtol=0, atol=1e-12)
        np.testing.assert_allclose(have.dv, sum_repeated_heads(steps.dv, n_groups), rtol=0, atol=1e-12)
        assert (have.dbias is None) == ("bias" not in given)
        if have.dbias is not None:
            assert have.dbias.shape == given["bias"].shape
            np.testing.assert_allclose(have.dbias, steps.dbias, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_groups", [2, 6])
def test_the_cache_shows_queries_and_weights_of_every_head_and_keys_and_values_of_every_group(n_groups):
    q, k, v = heads(n_groups)
    _, cache = grouped_attention_forward(q, k, v, scale=0.3)
    _, full = attention_forward(q, repeat_heads(k, H), repeat_heads(v, H), scale=0.3)
    for have, want in ((cache.q, q), (cache.k, k), (cache.v, v), (cache.weights, full.weights)):
        np.testing.assert_allclose(have, want, rtol=0, atol=1e-15)
    assert cache.scale == 0.3 and isinstance(cache, AttentionCache) == (n_groups == H)


def test_one_sentence_without_a_batch_axis_works():
    q, k, v = heads(2, lead=())
    out, cache = grouped_attention_forward(q, k, v)
    assert out.shape == (H, T, DV) and cache.weights.shape == (H, T, S)
    assert [grad.shape for grad in grouped_attention_backward(out, cache)[:3]] == [q.shape, k.shape, v.shape]


@pytest.mark.parametrize(("n_queries", "n_keys"), [(0, 3), (2, 0), (0, 0)])
def test_length_zero_works_both_ways(n_queries, n_keys):
    q, k, v = (np.ones((B, n, length, D)) for n, length in ((H, n_queries), (2, n_keys), (2, n_keys)))
    out, cache = grouped_attention_forward(q, k, v)
    assert out.shape == (B, H, n_queries, D) and not out.any()
    assert [grad.shape for grad in grouped_attention_backward(out, cache)[:3]] == [q.shape, k.shape, v.shape]


def test_no_key_or_value_is_copied():
    q, k, v = (array.view(CountingArray) for array in heads(2))
    counted.reset()
    grouped_attention_forward(q, k, v)
    assert counted.copied_bytes == 0
    repeat_heads(k, H)
    assert counted.copied_bytes == B * H * S * D * 8, "what is counted here"


@pytest.mark.parametrize("n_groups", [0, 4, 5])
def test_heads_that_cannot_be_shared_evenly_are_refused(n_groups):
    with pytest.raises(ValueError, match=f"6 query heads cannot share {n_groups} key and value heads evenly"):
        grouped_attention_forward(*heads(n_groups))


@pytest.mark.parametrize("n_heads", [4, 5])
def test_a_mask_for_another_number_of_heads_is_refused(n_heads):
    with pytest.raises(ValueError, match="mask"):
        grouped_attention_forward(*heads(2), mask=np.ones((B, n_heads, T, S), dtype=bool))
