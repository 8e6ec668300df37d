"""Relative attention of Transformer-XL against its definition."""

import math

import numpy as np
import pytest

from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.attention.transformer_xl import transformer_xl_attention_backward, transformer_xl_attention_forward
from tfx.ops.positions.relative_offsets import every_offset
from tfx.ops.positions.sinusoids import angular_speeds, sinusoids_forward

B, H, T, M, D, DV = 2, 3, 4, 3, 4, 5
S = M + T


def inputs(n_offsets=S, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {
        "q": (B, H, T, D),
        "k": (B, H, S, D),
        "v": (B, H, S, DV),
        "r": (H, n_offsets, D),
        "u": (H, D),
        "w": (H, D),
    }
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("n_offsets", [S, T + S - 1])
def test_it_equals_a_loop_over_the_four_terms(n_offsets):
    given = inputs(n_offsets)
    q, k, v, r, u, w = given.values()
    mask = causal_mask(T, S, past=M) if n_offsets == S else np.ones((T, S), dtype=bool)
    out, _ = transformer_xl_attention_forward(**given, mask=mask)
    for b in range(B):
        for h in range(H):
            for i in range(T):
                e = np.zeros(S)
                for j in range(S):
                    if not mask[i, j]:
                        continue
                    distance = M + i - j
                    r_ij = r[h, S - 1 - distance]
                    a, c = q[b, h, i] @ k[b, h, j], u[h] @ k[b, h, j]
                    bb, d = q[b, h, i] @ r_ij, w[h] @ r_ij
                    e[j] = math.exp((a + bb + c + d) / math.sqrt(D))
                np.testing.assert_allclose(out[b, h, i], (e / e.sum()) @ v[b, h], rtol=1e-12)


def test_without_positions_and_u_it_is_plain_attention():
    given = inputs(T + S - 1)
    given["r"], given["u"] = 0 * given["r"], 0 * given["u"]
    out, cache = transformer_xl_attention_forward(**given)
    want, plain = attention_forward(given["q"], given["k"], given["v"])
    np.testing.assert_allclose(out, want, rtol=1e-13)
    np.testing.assert_allclose(cache.weights, plain.weights, rtol=1e-13)
    assert not transformer_xl_attention_backward(out, cache).dw.any(), "w has no position left to like"


def test_a_row_of_numbers_for_the_future_changes_nothing_under_a_causal_mask():
    given, mask = inputs(T + S - 1), causal_mask(T, S, past=M)
    both_ways, cache = transformer_xl_attention_forward(**given, mask=mask)
    past_only, _ = transformer_xl_attention_forward(**{**given, "r": given["r"][:, :S]}, mask=mask)
    assert np.array_equal(both_ways, past_only)
    assert not transformer_xl_attention_backward(both_ways, cache).dr[:, S:].any()


def test_the_score_of_a_pair_depends_on_its_content_and_its_distance_only():
    """Equal queries and equal keys everywhere: with the sinusoids of the paper, only the distance tells pairs apart."""
    rng = np.random.default_rng(1)
    q, k = (np.broadcast_to(rng.standard_normal((1, H, 1, D)), (1, H, 6, D)) for _ in range(2))
    sinusoids, _ = sinusoids_forward(-every_offset(6), angular_speeds(D))
    r, (u, w) = np.broadcast_to(sinusoids, (H, 11, D)), rng.standard_normal((2, H, D))
    weights = transformer_xl_attention_forward(q, k, k, r, u, w)[1].weights[0]
    odds = weights / np.diagonal(weights, axis1=1, axis2=2)[..., None]
    np.testing.assert_allclose(odds[:, 1:, 1:], odds[:, :-1, :-1], rtol=1e-12)
    assert (np.ptp(odds[:, 0], axis=-1) > 0.1).all()


def test_reading_on_with_memory_equals_reading_at_once():
    rng = np.random.default_rng(2)
    q, k, v = rng.standard_normal((3, B, H, S, D))
    r, (u, w) = rng.standard_normal((H, S, D)), rng.standard_normal((2, H, D))
    whole, _ = transformer_xl_attention_forward(q, k, v, r, u, w, causal_mask(S))
    rest, _ = transformer_xl_attention_forward(q[:, :, M:], k, v, r, u, w, causal_mask(T, S, past=M))
    np.testing.assert_allclose(rest, whole[:, :, M:], rtol=1e-12)


def test_a_sequence_gives_the_same_outside_a_batch_and_gradients_add_up_over_the_batch():
    given = inputs()
    rows = [{name: x[b] if x.ndim == 4 else x for name, x in given.items()} for b in range(B)]
    out, cache = transformer_xl_attention_forward(**given)
    dout = np.random.default_rng(3).standard_normal(out.shape)
    grads = transformer_xl_attention_backward(dout, cache)
    alone = [transformer_xl_attention_forward(**row) for row in rows]
    alone_grads = [transformer_xl_attention_backward(dout[b], alone[b][1]) for b in range(B)]
    np.testing.assert_allclose(np.stack([y for y, _ in alone]), out, rtol=1e-13)
    np.testing.assert_allclose(np.stack([g.dq for g in alone_grads]), grads.dq, atol=1e-13)
    for name in ("dr", "du", "dw"):
        np.testing.assert_allclose(sum(getattr(g, name) for g in alone_grads), getattr(grads, name), atol=1e-12)


def test_heads_may_share_their_positions():
    given = inputs()
    shared = {**given, "r": given["r"][:1]}
    out, cache = transformer_xl_attention_forward(**shared)
    repeated, repeated_cache = transformer_xl_attention_forward(**{**given, "r": np.repeat(given["r"][:1], H, axis=0)})
    np.testing.assert_allclose(out, repeated, rtol=1e-13)
    dr = transformer_xl_attention_backward(out, cache).dr
    each = transformer_xl_attention_backward(repeated, repeated_cache).dr
    np.testing.assert_allclose(dr, each.sum(axis=0, keepdims=True), atol=1e-12)


def test_zero_queries_and_zero_keys_work_both_ways():
    for t, s in ((0, 3), (2, 0), (0, 0)):
        q, kv, r = np.ones((B, H, t, D)), np.ones((B, H, s, D)), np.ones((H, max(t + s - 1, 0), D))
        out, cache = transformer_xl_attention_forward(q, kv, kv, r, np.ones((H, D)), np.ones((H, D)))
        assert out.shape == (B, H, t, D)
        assert transformer_xl_attention_backward(out, cache).dr.shape == r.shape


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"u": np.ones((H, D + 1))}, r"\(heads, width\) \(3, 4\) but u is \(3, 5\)"),
        ({"r": np.ones((H, S, D + 1))}, r"positions are \(3, 7, 5\)"),
        ({"r": np.ones((H + 1, S, D))}, r"positions are \(4, 7, 4\)"),
        ({"r": np.ones((H, T + S, D))}, "11 positions do not fit the offsets of 4 queries and 7 keys"),
        ({"r": np.ones((H, 0, D))}, "0 positions do not fit"),
        ({"r": np.ones((2, S, D))}, r"positions are \(2, 7, 4\)"),
        ({"k": np.ones((B, H, S, D + 1))}, "keys have width 5 but queries have 4"),
    ],
)
def test_what_does_not_fit_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        transformer_xl_attention_forward(**{**inputs(), **change})
