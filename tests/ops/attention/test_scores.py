"""Scores of queries and keys: how dot, general, concat and additive reduce to each other, and to numbers."""

import math

import numpy as np
import pytest

from tfx.ops.attention.additive_attention import additive_scores_backward, additive_scores_forward
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.general_scores import (
    SCORES,
    concat_scores_backward,
    concat_scores_forward,
    dot_scores_forward,
    general_scores_backward,
    general_scores_forward,
)
from tfx.ops.attention.scaled_dot_product import attention_forward

RNG = np.random.default_rng(0)
B, T, S, WIDTH_Q, WIDTH_K, HIDDEN = 2, 3, 5, 4, 6, 7
Q, K = RNG.standard_normal((B, T, WIDTH_Q)), RNG.standard_normal((B, S, WIDTH_K))
W, V = RNG.standard_normal((WIDTH_Q + WIDTH_K, HIDDEN)), RNG.standard_normal(HIDDEN)


def test_dot_scores_then_attend_is_scaled_dot_product_attention():
    k, v = RNG.standard_normal((B, S, WIDTH_Q)), RNG.standard_normal((B, S, 2))
    scores, _ = dot_scores_forward(Q, k, scale=1 / math.sqrt(WIDTH_Q))
    np.testing.assert_allclose(attend_forward(scores, v)[0], attention_forward(Q, k, v)[0], rtol=1e-14)


def test_the_general_score_with_the_identity_is_the_dot_score():
    k = RNG.standard_normal((B, S, WIDTH_Q))
    assert np.array_equal(general_scores_forward(Q, k, np.eye(WIDTH_Q))[0], dot_scores_forward(Q, k)[0])


def test_the_general_score_is_the_bilinear_form_of_every_pair():
    w = RNG.standard_normal((WIDTH_Q, WIDTH_K))
    scores, cache = general_scores_forward(Q, K, w)
    for b, i, j in np.ndindex(B, T, S):
        assert scores[b, i, j] == pytest.approx(Q[b, i] @ w @ K[b, j], rel=1e-12)
    one = np.zeros_like(scores)
    one[1, 2, 3] = 1.0  # then dW is the outer product of that query and that key
    np.testing.assert_allclose(general_scores_backward(one, cache).dw, np.outer(Q[1, 2], K[1, 3]), rtol=1e-14)


def test_the_concat_score_reads_query_and_key_side_by_side():
    scores, _ = concat_scores_forward(Q, K, W, V)
    for b, i, j in np.ndindex(B, T, S):
        want = V @ np.tanh(np.concatenate((Q[b, i], K[b, j])) @ W)
        assert scores[b, i, j] == pytest.approx(want, rel=1e-12)


def test_the_concat_score_is_the_additive_score_with_its_matrix_cut_in_two():
    w_q, w_k = W[:WIDTH_Q], W[WIDTH_Q:]
    scores, cache = concat_scores_forward(Q, K, W, V)
    additive, additive_cache = additive_scores_forward(Q, K, w_q, w_k, np.zeros(HIDDEN), V)
    assert np.array_equal(scores, additive)
    ds = RNG.standard_normal(scores.shape)
    whole, halves = concat_scores_backward(ds, cache), additive_scores_backward(ds, additive_cache)
    np.testing.assert_allclose(whole.dw, np.concatenate((halves.dw_q, halves.dw_k)), rtol=1e-14)


def test_keys_may_be_projected_once_for_every_question():
    w_q, w_k, b = W[:WIDTH_Q], W[WIDTH_Q:], RNG.standard_normal(HIDDEN)
    ds = RNG.standard_normal((B, T, S))
    scores, cache = additive_scores_forward(Q, K, w_q, w_k, b, V)
    grads = additive_scores_backward(ds, cache)
    ready = K @ w_k
    asked = [additive_scores_forward(Q[:, i : i + 1], ready, w_q, None, b, V) for i in range(T)]
    np.testing.assert_allclose(np.concatenate([one for one, _ in asked], axis=1), scores, rtol=1e-13)
    dready = sum(additive_scores_backward(ds[:, i : i + 1], cache).dk for i, (_, cache) in enumerate(asked))
    np.testing.assert_allclose(dready @ w_k.T, grads.dk, rtol=1e-12, atol=1e-14)


def test_the_family_has_one_call_shape():
    own = {
        "dot": {},
        "general": {"w": RNG.standard_normal((WIDTH_Q, WIDTH_Q))},
        "concat": {"w": RNG.standard_normal((2 * WIDTH_Q, HIDDEN)), "v": V},
        "additive": {
            "w_q": RNG.standard_normal((WIDTH_Q, HIDDEN)),
            "w_k": RNG.standard_normal((WIDTH_Q, HIDDEN)),
            "b": np.zeros(HIDDEN),
            "v": V,
        },
    }
    assert own.keys() == SCORES.keys()
    k = RNG.standard_normal((B, S, WIDTH_Q))
    for name, (forward, backward) in SCORES.items():
        scores, cache = forward(Q, k, **own[name])
        assert scores.shape == (B, T, S)
        grads = backward(np.ones_like(scores), cache)
        assert grads.dq.shape == Q.shape and grads.dk.shape == k.shape
        assert all(getattr(grads, f"d{parameter}").shape == value.shape for parameter, value in own[name].items())


@pytest.mark.parametrize("name", ["dot", "general"])
def test_no_queries_and_no_keys_work(name):
    given = {} if name == "dot" else {"w": np.eye(WIDTH_Q)}
    scores, cache = SCORES[name][0](Q[:, :0], K[:, :0, :WIDTH_Q], **given)
    assert scores.shape == (B, 0, 0)
    assert SCORES[name][1](scores, cache).dq.shape == (B, 0, WIDTH_Q)


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (lambda: dot_scores_forward(Q, K), "keys have width 6 but queries have 4"),
        (lambda: general_scores_forward(Q, K, np.eye(WIDTH_Q)), "keys have width 6 but queries have 4"),
        (lambda: general_scores_forward(Q, K, np.zeros((5, WIDTH_K))), "width 4 but w expects 5"),
        (lambda: concat_scores_forward(Q, K, W[:-1], V), r"w has 9 rows but q and k together have width 4 \+ 6"),
        (lambda: additive_scores_forward(Q, K, W[:WIDTH_Q], None, None, V), "w_q 7, keys 6"),
    ],
)
def test_widths_that_do_not_fit_are_named(score, message):
    with pytest.raises(ValueError, match=message):
        score()
