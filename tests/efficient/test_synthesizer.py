"""Synthesizer: weights without queries and keys."""

import numpy as np
import pytest

from tfx.efficient.synthesizer import (
    dense_synthesizer_backward,
    dense_synthesizer_forward,
    random_synthesizer_backward,
    random_synthesizer_forward,
)
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.scaled_dot_product import attention_forward

RNG = np.random.default_rng
L, S, D, F = 9, 6, 4, 5


def network(seed=0):
    rng = RNG(seed)
    return [rng.standard_normal(shape) for shape in ((D, F), (1, F), (F, L), (1, L))]


def test_a_random_one_averages_by_its_scores_whatever_the_text_says():
    scores, v = RNG(0).standard_normal((L, L)), RNG(1).standard_normal((2, S, D))
    out, cache = random_synthesizer_forward(v, scores)
    e = np.exp(scores[:S, :S])
    np.testing.assert_allclose(out, (e / e.sum(-1, keepdims=True)) @ v, atol=1e-13)
    assert np.array_equal(cache.attend.weights, random_synthesizer_forward(9 * v, scores)[1].attend.weights)


def test_heads_of_scores_read_values_of_their_own_or_of_all():
    scores, v = RNG(0).standard_normal((3, L, L)), RNG(1).standard_normal((2, 3, S, D))
    out, _ = random_synthesizer_forward(v, scores)
    for h in range(3):
        np.testing.assert_allclose(out[:, h], random_synthesizer_forward(v[:, h], scores[h])[0], atol=1e-14)
    shared, _ = random_synthesizer_forward(v[0, 0], scores)
    np.testing.assert_allclose(shared[0], out[0, 0], atol=1e-14)
    assert shared.shape == (3, S, D)
    np.testing.assert_allclose(
        random_synthesizer_forward(v, scores[:1])[0], random_synthesizer_forward(v, scores[0])[0], atol=1e-14
    )


def test_with_the_scores_of_exact_attention_it_is_exact():
    q, k, v = RNG(0).standard_normal((3, S, D))
    out, _ = random_synthesizer_forward(v, q @ k.T / 2, mask=causal_mask(S))
    np.testing.assert_allclose(out, attention_forward(q, k, v, causal_mask(S))[0], atol=1e-13)


def test_the_last_queries_have_the_last_rows():
    scores, v = RNG(0).standard_normal((L, L)), RNG(1).standard_normal((S, D))
    whole, _ = random_synthesizer_forward(v, scores)
    np.testing.assert_allclose(random_synthesizer_forward(v, scores, 2)[0], whole[-2:], atol=1e-14)


def test_scores_beyond_the_sequence_get_no_gradient():
    scores, v = RNG(0).standard_normal((L, L)), RNG(1).standard_normal((S, D))
    out, cache = random_synthesizer_forward(v, scores, 2)
    _, dscores = random_synthesizer_backward(RNG(2).standard_normal(out.shape), cache)
    assert dscores[S - 2 : S, :S].all() and np.count_nonzero(dscores) == 2 * S


def test_the_scores_of_one_query_get_a_gradient_each():
    scores, v = RNG(0).standard_normal((L, L)), RNG(1).standard_normal((S, D))
    out, cache = random_synthesizer_forward(v, scores, 1)
    dout = RNG(2).standard_normal((1, D))
    _, dscores = random_synthesizer_backward(dout, cache)
    np.testing.assert_allclose(dscores[S - 1, :S], cache.attend.weights[0] * ((v - out) @ dout[0]), atol=1e-14)


def test_a_dense_one_makes_each_row_of_its_own_token_only():
    x, v = RNG(1).standard_normal((2, S, D)), RNG(2).standard_normal((2, S, 3))
    w1, b1, w2, b2 = network()
    out, cache = dense_synthesizer_forward(x, v, w1, b1, w2, b2)
    scores = (np.maximum(x @ w1 + b1, 0) @ w2 + b2)[..., :S]
    np.testing.assert_allclose(out, attend_forward(scores, v)[0], atol=1e-13)
    x2 = x.copy()
    x2[:, 3] += 1.0
    _, changed = dense_synthesizer_forward(x2, v, w1, b1, w2, b2)
    moved = (changed.attend.weights != cache.attend.weights).any(axis=-1)
    assert moved[:, 3].all() and moved.sum() == 2


def test_outputs_of_the_network_beyond_the_sequence_get_no_gradient():
    x, v = RNG(1).standard_normal((2, S, D)), RNG(2).standard_normal((2, S, 3))
    out, cache = dense_synthesizer_forward(x, v, *network())
    grads = dense_synthesizer_backward(RNG(3).standard_normal(out.shape), cache)
    assert grads.dw2.shape == (F, L) and not grads.dw2[:, S:].any() and not grads.db2[:, S:].any()
    np.testing.assert_allclose(grads.db2.sum(), 0, atol=1e-12)  # a shift of all scores changes no weight


def test_the_offset_of_one_query_alone_gets_the_gradient_of_its_scores():
    x, v = RNG(1).standard_normal((1, D)), RNG(2).standard_normal((S, 3))
    out, cache = dense_synthesizer_forward(x, v, *network())
    dout = RNG(3).standard_normal(out.shape)
    weights = cache.attend.weights
    np.testing.assert_allclose(weights @ v, out, atol=1e-14)
    db2 = dense_synthesizer_backward(dout, cache).db2
    np.testing.assert_allclose(db2[:, :S], weights * ((v - out) @ dout.T).T, atol=1e-14)


def test_padding_and_fully_blocked_rows():
    scores, v = RNG(0).standard_normal((L, L)), RNG(1).standard_normal((2, 1, S, D))
    out, _ = random_synthesizer_forward(v, scores, mask=padding_mask([S, 4], S))
    np.testing.assert_allclose(out[1, :, :4], random_synthesizer_forward(v[1, :, :4], scores)[0], atol=1e-13)
    assert not random_synthesizer_forward(v, scores, mask=np.zeros((S, S), bool))[0].any()


def test_what_does_not_fit_is_named():
    v = np.ones((S, D))
    for shape in ((5, 5), (5, 8), (8, 5)):
        with pytest.raises(ValueError, match=rf"scores are \({shape[0]}, {shape[1]}\) but there are 6 keys"):
            random_synthesizer_forward(v, np.ones(shape))
    with pytest.raises(ValueError, match="7 queries cannot be the last of 6 places"):
        random_synthesizer_forward(v, np.ones((L, L)), 7)
    with pytest.raises(ValueError, match="w2 makes 9 scores but there are 10 keys"):
        dense_synthesizer_forward(np.ones((10, D)), np.ones((10, D)), *network())
