"""Skip-gram with negative sampling."""

import math

import numpy as np
import pytest

from tfx.ops.losses.negative_sampling import negative_sampling_backward, negative_sampling_forward


def draw(n=5, k=3, d=4):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, d)), rng.standard_normal((n, d)), rng.standard_normal((n, k, d))


def test_the_loss_is_the_papers_sum():
    word, context, negatives = draw()
    total = 0.0
    for n in range(5):
        total -= math.log(1 / (1 + math.exp(-word[n] @ context[n])))
        for k in range(3):
            total -= math.log(1 / (1 + math.exp(word[n] @ negatives[n, k])))
    assert negative_sampling_forward(word, context, negatives)[0] == pytest.approx(total / 5, rel=1e-14)


def test_vectors_of_length_zero_cost_log_two_for_every_word():
    word, context, negatives = (0 * x for x in draw())
    assert negative_sampling_forward(word, context, negatives)[0] == pytest.approx(4 * math.log(2), rel=1e-15)


def test_a_step_downhill_draws_the_context_near_and_pushes_random_words_away():
    word, context, negatives = draw()
    _, cache = negative_sampling_forward(word, context, negatives)
    grads = negative_sampling_backward(1.0, cache)
    nearer = (word * (context - 0.1 * grads.dcontext)).sum(axis=-1) - (word * context).sum(axis=-1)
    further = ((negatives - 0.1 * grads.dnegatives - negatives) * word[:, None]).sum(axis=-1)
    assert (nearer > 0).all() and (further < 0).all()


def test_without_random_words_only_attraction_is_left():
    word, context, _ = draw()
    loss, cache = negative_sampling_forward(word, context, np.zeros((5, 0, 4)))
    expected = np.logaddexp(0, -(word * context).sum(axis=-1)).mean()
    assert loss == pytest.approx(expected, rel=1e-14)
    assert negative_sampling_backward(1.0, cache).dnegatives.shape == (5, 0, 4)


def test_large_scores_neither_overflow_nor_lose_the_gradient():
    word = np.full((1, 1), 1e4)
    loss, cache = negative_sampling_forward(word, -word, word[:, None])
    assert loss == 2e8
    grads = negative_sampling_backward(1.0, cache)
    assert grads.dcontext == -1e4 and grads.dnegatives == 1e4


def test_no_pairs_cost_nothing():
    loss, cache = negative_sampling_forward(*draw(n=0))
    assert loss == 0 and negative_sampling_backward(1.0, cache).dword.shape == (0, 4)


def test_float32_stays_float32_whatever_the_loss_is_multiplied_by():
    loss, cache = negative_sampling_forward(*(x.astype(np.float32) for x in draw()))
    assert loss.dtype == np.float32
    assert {g.dtype for g in negative_sampling_backward(np.float64(2.0), cache)} == {np.dtype("float32")}


def test_shapes_that_do_not_fit_are_refused():
    word, context, negatives = draw()
    with pytest.raises(ValueError, match=r"word and context are both \(N, C\)"):
        negative_sampling_forward(word, context[:4], negatives)
    with pytest.raises(ValueError, match=r"negatives \(5, 3, 3\) are \(N, K, C\)"):
        negative_sampling_forward(word, context, negatives[..., :3])
