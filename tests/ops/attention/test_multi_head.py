"""Multi-head attention: heads side by side, each an attention of its own."""

import numpy as np
import pytest

from tfx.gradcheck.cases.ops.attention.multi_head import attend_by_name
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.multi_head import (
    mean_heads_backward,
    mean_heads_forward,
    merge_heads,
    multi_head_attention_backward,
    repeat_heads,
    split_heads,
    sum_repeated_heads,
)
from tfx.ops.attention.scaled_dot_product import attention_forward

B, H, T, S, C = 2, 3, 5, 7, 12
WEIGHTS = ("w_q", "w_k", "w_v", "w_o")


def inputs(seed=0, n_keys=S):
    rng = np.random.default_rng(seed)
    made = {"x_q": rng.standard_normal((B, T, C)), "x_kv": rng.standard_normal((B, n_keys, C))}
    return made | {name: rng.standard_normal((C, C)) / 3 for name in WEIGHTS}


def test_merging_undoes_splitting_and_a_head_is_a_slice_of_the_width():
    x = np.random.default_rng(0).standard_normal((B, T, C))
    heads = split_heads(x, H)
    assert heads.shape == (B, H, T, C // H)
    assert np.array_equal(heads[:, 1], x[..., 4:8])
    assert np.array_equal(merge_heads(heads), x)


def test_each_head_is_an_attention_of_its_own():
    given = inputs()
    y, cache = attend_by_name(**given, n_heads=H)
    q, k, v = given["x_q"] @ given["w_q"], given["x_kv"] @ given["w_k"], given["x_kv"] @ given["w_v"]
    outs = [attention_forward(*(x[..., s : s + 4] for x in (q, k, v)))[0] for s in (0, 4, 8)]
    np.testing.assert_allclose(y, np.concatenate(outs, axis=-1) @ given["w_o"], rtol=1e-12)
    assert cache.attention.q.shape == (B, H, T, 4) and cache.attention.k.shape == (B, H, S, 4)
    assert cache.weights is cache.attention.weights and cache.weights.shape == (B, H, T, S)


def test_the_weights_of_heads_that_share_keys_are_those_of_every_head():
    given = inputs() | {name: np.random.default_rng(9).standard_normal((C, C // H)) for name in ("w_k", "w_v")}
    _, cache = attend_by_name(**given, n_heads=H, n_kv_heads=1)
    assert cache.weights.shape == (B, H, T, S)
    np.testing.assert_allclose(cache.weights.sum(axis=-1), 1, rtol=1e-12)


class Averaging:
    """A kernel that weighs all keys alike and keeps no weights."""

    def forward(self, q, k, v, mask=None, scale=None):
        return np.broadcast_to(v.mean(axis=-2, keepdims=True), (*q.shape[:-1], v.shape[-1])), None


def test_a_kernel_shows_no_weights_and_the_cache_says_so():
    _, cache = attend_by_name(**inputs(), n_heads=H, kernel=Averaging())
    with pytest.raises(AttributeError, match="Averaging shows no attention weights"):
        _ = cache.weights


def test_one_head_is_plain_attention():
    given = inputs()
    y, _ = attend_by_name(**given, n_heads=1)
    x_q, x_kv = given["x_q"], given["x_kv"]
    out, _ = attention_forward(x_q @ given["w_q"], x_kv @ given["w_k"], x_kv @ given["w_v"])
    np.testing.assert_allclose(y, out @ given["w_o"], rtol=1e-12)


def test_exchanging_two_heads_with_their_weights_changes_nothing():
    given = inputs()
    swap = np.r_[4:8, 0:4, 8:12]
    swapped = given | {name: given[name][:, swap] for name in WEIGHTS[:3]} | {"w_o": given["w_o"][swap]}
    y, _ = attend_by_name(**given, n_heads=H)
    np.testing.assert_allclose(attend_by_name(**swapped, n_heads=H)[0], y, rtol=1e-11)


def test_in_self_attention_changing_the_future_changes_no_earlier_output_bit_for_bit():
    given = inputs(n_keys=T)
    x = given["x_q"]
    y, _ = attend_by_name(**(given | {"x_kv": x}), n_heads=H, mask=causal_mask(T))
    x2 = x.copy()
    x2[:, 3:] += 5.0
    y2, _ = attend_by_name(**(given | {"x_q": x2, "x_kv": x2}), n_heads=H, mask=causal_mask(T))
    assert np.array_equal(y2[:, :3], y[:, :3]) and not np.array_equal(y2[:, 3:], y[:, 3:])


def test_a_key_bias_has_no_effect_and_no_gradient():
    """It adds the same number to every score of a row, and softmax does not see that."""
    given = inputs() | {"b_k": np.random.default_rng(1).standard_normal(C)}
    y, cache = attend_by_name(**given, n_heads=H)
    np.testing.assert_allclose(y, attend_by_name(**inputs(), n_heads=H)[0], rtol=1e-10)
    grads = multi_head_attention_backward(np.ones_like(y), cache)
    np.testing.assert_allclose(grads.db_k, 0, atol=1e-12)
    assert grads.db_q is None and grads.db_o is None


def test_mask_and_batch_fit_as_documented():
    for mask in (np.ones((T, S), bool), padding_mask([S, 3], S), np.ones((B, H, T, S), bool), np.ones((1, T, S), bool)):
        attend_by_name(**inputs(), n_heads=H, mask=mask)


def test_a_mask_whose_first_axis_could_be_batch_or_heads_is_refused():
    with pytest.raises(ValueError, match=r"is axis 0 of mask \(2, 5, 7\) batch or heads"):
        attend_by_name(**inputs(), n_heads=H, mask=np.ones((B, T, S), bool))


@pytest.mark.parametrize("n_heads", [0, 5, 24])
def test_heads_that_do_not_divide_the_width_are_refused(n_heads):
    with pytest.raises(ValueError, match=f"width 12 cannot be split into {n_heads} heads"):
        attend_by_name(**inputs(), n_heads=n_heads)


@pytest.mark.parametrize(("n_queries", "n_keys"), [(0, 7), (5, 0)])
def test_length_zero_works_both_ways(n_queries, n_keys):
    given = inputs() | {"x_q": np.ones((B, n_queries, C)), "x_kv": np.ones((B, n_keys, C))}
    y, cache = attend_by_name(**given, n_heads=H)
    grads = multi_head_attention_backward(np.ones_like(y), cache)
    assert y.shape == (B, n_queries, C)
    assert (grads.dx_q.shape, grads.dx_kv.shape) == ((B, n_queries, C), (B, n_keys, C))
    assert not grads.dw_q.any() and not grads.dw_v.any()


def test_one_sentence_without_a_batch_axis_works():
    given = inputs()
    whole, _ = attend_by_name(**given, n_heads=H)
    one, _ = attend_by_name(**(given | {"x_q": given["x_q"][1], "x_kv": given["x_kv"][1]}), n_heads=H)
    np.testing.assert_allclose(one, whole[1], rtol=1e-12)


def test_grouped_heads_equal_full_heads_whose_key_and_value_maps_are_repeated():
    given = inputs()
    group = slice(0, C // H)  # the map of one head
    shared = given | {name: given[name][..., group] for name in ("w_k", "w_v")}
    repeated = given | {name: np.tile(shared[name], H) for name in ("w_k", "w_v")}
    one, cache = attend_by_name(**shared, n_heads=H, n_kv_heads=1)
    full, full_cache = attend_by_name(**repeated, n_heads=H)
    np.testing.assert_allclose(one, full, rtol=1e-13)
    dy = np.random.default_rng(1).standard_normal(one.shape)
    grads, full_grads = multi_head_attention_backward(dy, cache), multi_head_attention_backward(dy, full_cache)
    summed = full_grads.dw_k.reshape(C, H, C // H).sum(axis=1)  # each repetition sends something back
    np.testing.assert_allclose(grads.dw_k, summed, rtol=1e-11)
    np.testing.assert_allclose(grads.dx_kv, full_grads.dx_kv, rtol=1e-11)


def test_query_heads_share_key_heads_in_a_row_and_not_in_turns():
    x = np.arange(2.0).reshape(2, 1, 1)
    np.testing.assert_array_equal(repeat_heads(x, 6)[:, 0, 0], [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(sum_repeated_heads(np.arange(6.0).reshape(6, 1, 1), 2)[:, 0, 0], [3, 12])


def test_heads_that_cannot_be_shared_evenly_are_refused():
    with pytest.raises(ValueError, match="3 query heads cannot share 2"):
        repeat_heads(np.ones((2, 5, 4)), 3)


@pytest.mark.parametrize("chunks", [[T], [1] * T, [2, 1, 2], [4, 1]])
@pytest.mark.parametrize("n_kv_heads", [1, 3])
def test_reading_in_chunks_with_stored_keys_and_values_equals_reading_at_once(chunks, n_kv_heads):
    given = inputs(T)
    width = C // H * n_kv_heads
    given |= {name: given[name][..., :width] for name in ("w_k", "w_v")}
    x = given["x_q"]
    given = {name: value for name, value in given.items() if name not in ("x_q", "x_kv")}
    heads = {"n_heads": H, "n_kv_heads": n_kv_heads}
    whole, _ = attend_by_name(x, x, **given, **heads, mask=causal_mask(T))
    past, written, at = None, [], 0
    for n in chunks:
        part = x[:, at : at + n]
        y, cache = attend_by_name(part, part, **given, **heads, past=past, mask=causal_mask(n, past=at))
        written.append(y)
        past, at = cache.present, at + n
    np.testing.assert_allclose(np.concatenate(written, axis=1), whole, rtol=1e-12, atol=1e-13)


def test_the_gradient_of_stored_keys_and_values_is_that_of_the_tokens_they_came_from():
    given = inputs(T)
    x, maps = given["x_q"], {name: value for name, value in given.items() if name not in ("x_q", "x_kv")}
    _, first = attend_by_name(x[:, :2], x[:, :2], **maps, n_heads=H, mask=causal_mask(2))
    y, second = attend_by_name(
        x[:, 2:], x[:, 2:], **maps, n_heads=H, past=first.present, mask=causal_mask(T - 2, past=2)
    )
    dy = np.random.default_rng(1).standard_normal(y.shape)
    _, whole = attend_by_name(x, x, **maps, n_heads=H, mask=causal_mask(T))
    late = np.concatenate((np.zeros_like(dy[:, :2]), dy), axis=1)  # the loss reads the second part only
    want = multi_head_attention_backward(late, whole)
    have = multi_head_attention_backward(dy, second)
    through_keys = merge_heads(have.dpast.k) @ maps["w_k"].T + merge_heads(have.dpast.v) @ maps["w_v"].T
    np.testing.assert_allclose(through_keys, want.dx_kv[:, :2], rtol=1e-11)
    np.testing.assert_allclose(have.dx_kv, want.dx_kv[:, 2:], rtol=1e-11)


def test_values_may_come_from_another_source():
    given = inputs()
    other = np.random.default_rng(5).standard_normal(given["x_kv"].shape)
    y, cache = attend_by_name(**given, x_v=other, n_heads=H)
    swapped, _ = attend_by_name(**(given | {"x_kv": other}), n_heads=H)
    np.testing.assert_array_equal(cache.value.x, other)
    assert not np.allclose(y, swapped)
    same, _ = attend_by_name(**given, x_v=given["x_kv"], n_heads=H)
    np.testing.assert_array_equal(same, attend_by_name(**given, n_heads=H)[0])


def test_the_mean_over_heads_and_its_gradient():
    weights = np.random.default_rng(0).random((2, 4, 3, 5))
    mean, cache = mean_heads_forward(weights)
    np.testing.assert_allclose(mean, sum(weights[:, h] for h in range(4)) / 4, rtol=1e-14)
    dweights = mean_heads_backward(np.ones_like(mean), cache)
    np.testing.assert_array_equal(dweights, np.full(weights.shape, 0.25))
