"""The sum over documents: against plain probabilities, at its extremes, and who learns what from it."""

import math

import numpy as np
import pytest

from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.marginal_likelihood import (
    document_posterior,
    marginal_likelihood_backward,
    marginal_likelihood_forward,
)

RNG = np.random.default_rng(0)
SCORES, LOGS = RNG.standard_normal((2, 4)), -2 * RNG.random((2, 4, 3))


@pytest.mark.parametrize("per", ["sequence", "token"])
def test_it_is_the_published_sum_of_products(per):
    prior, words = softmax_forward(SCORES)[0], np.exp(LOGS)
    for b in range(2):
        if per == "sequence":
            want = sum(prior[b, z] * math.prod(words[b, z]) for z in range(4))
        else:
            want = math.prod(sum(prior[b, z] * words[b, z, t] for z in range(4)) for t in range(3))
        assert marginal_likelihood_forward(SCORES, LOGS, per)[0][b] == pytest.approx(math.log(want), rel=1e-13)


def test_for_answers_of_one_word_both_are_the_same():
    one = LOGS[..., :1]
    a, b = (marginal_likelihood_forward(SCORES, one, per)[0] for per in ("sequence", "token"))
    np.testing.assert_array_equal(a, b)


def test_one_document_is_an_ordinary_reader():
    y, cache = marginal_likelihood_forward(SCORES[:, :1], LOGS[:, :1])
    np.testing.assert_allclose(y, LOGS[:, 0].sum(axis=-1), rtol=1e-14)
    dscores, dlogs = marginal_likelihood_backward(np.ones(2), cache)
    assert not dscores.any(), "there is nothing to choose from"
    np.testing.assert_array_equal(dlogs, np.ones((2, 1, 3)))


@pytest.mark.parametrize("per", ["sequence", "token"])
def test_the_reader_learns_by_posterior_and_the_retriever_by_posterior_minus_prior(per):
    _, cache = marginal_likelihood_forward(SCORES, LOGS, per)
    dscores, dlogs = marginal_likelihood_backward(np.ones(2), cache)
    posterior, prior = document_posterior(cache), softmax_forward(SCORES)[0]
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-13)
    np.testing.assert_allclose(dlogs, np.broadcast_to(posterior, LOGS.shape), rtol=1e-13)
    np.testing.assert_allclose(dscores, (posterior - prior[..., None]).sum(axis=-1), atol=1e-14)


def test_the_posterior_is_bayes_rule():
    _, cache = marginal_likelihood_forward(SCORES, LOGS)
    joint = softmax_forward(SCORES)[0] * np.exp(LOGS.sum(axis=-1))
    want = joint / joint.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(document_posterior(cache)[..., 0], want, rtol=1e-13)


def test_a_document_that_explains_the_answer_gains_and_the_others_pay_for_it():
    logs = np.full((1, 4, 1), -3.0)
    logs[0, 2] = -0.1
    _, cache = marginal_likelihood_forward(np.zeros((1, 4)), logs)
    dscores, _ = marginal_likelihood_backward(np.ones(1), cache)
    assert dscores[0, 2] > 0 and (np.delete(dscores[0], 2) < 0).all()
    assert dscores.sum() == pytest.approx(0, abs=1e-15)


def test_documents_that_explain_equally_much_teach_the_retriever_nothing():
    _, cache = marginal_likelihood_forward(SCORES, np.full((2, 4, 1), -0.7))
    np.testing.assert_allclose(marginal_likelihood_backward(np.ones(2), cache)[0], 0, atol=1e-15)


def test_it_is_never_above_its_best_document_nor_below_its_worst():
    y, _ = marginal_likelihood_forward(SCORES, LOGS)
    whole = LOGS.sum(axis=-1)
    assert (whole.min(axis=1) < y).all() and (y < whole.max(axis=1)).all()


@pytest.mark.parametrize("per", ["sequence", "token"])
def test_a_word_that_does_not_count_changes_nothing(per):
    padded = np.concatenate([LOGS, np.zeros((2, 4, 2))], axis=-1)
    (y, cache), (longer, longer_cache) = (marginal_likelihood_forward(SCORES, x, per) for x in (LOGS, padded))
    np.testing.assert_allclose(longer, y, rtol=1e-13)
    dscores = [marginal_likelihood_backward(np.ones(2), c)[0] for c in (cache, longer_cache)]
    np.testing.assert_allclose(dscores[1], dscores[0], atol=1e-14)


def test_a_document_with_score_minus_infinity_takes_no_part():
    scores = np.concatenate([SCORES, np.full((2, 1), -math.inf)], axis=1)
    logs = np.concatenate([LOGS, np.zeros((2, 1, 3))], axis=1)
    y, cache = marginal_likelihood_forward(scores, logs)
    np.testing.assert_allclose(y, marginal_likelihood_forward(SCORES, LOGS)[0], rtol=1e-14)
    dscores, dlogs = marginal_likelihood_backward(np.ones(2), cache)
    assert not dscores[:, 4].any() and not dlogs[:, 4].any()


def test_an_answer_that_is_impossible_everywhere_gives_no_gradient_and_no_nan():
    y, cache = marginal_likelihood_forward(SCORES, np.full((2, 4, 1), -math.inf))
    assert (y == -math.inf).all()
    assert not marginal_likelihood_backward(np.ones(2), cache)[1].any()


def test_likelihoods_far_below_the_smallest_number_keep_their_logarithm():
    y, _ = marginal_likelihood_forward(SCORES, LOGS - 2000.0)
    np.testing.assert_allclose(y, marginal_likelihood_forward(SCORES, LOGS)[0] - 6000.0, rtol=1e-13)


def test_answers_and_batches_of_length_zero_work_both_ways():
    for b, t in ((2, 0), (0, 3)):
        y, cache = marginal_likelihood_forward(np.zeros((b, 4)), np.zeros((b, 4, t)))
        np.testing.assert_allclose(y, np.zeros(b), atol=1e-15)
        dscores, dlogs = marginal_likelihood_backward(np.ones(b), cache)
        assert dscores.shape == (b, 4) and dlogs.shape == (b, 4, t)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"scores are \(2, 4\) but log-likelihoods are \(2, 3, 1\)"):
        marginal_likelihood_forward(SCORES, np.zeros((2, 3, 1)))
    with pytest.raises(ValueError, match=r"scores are \(2, 4\) but log-likelihoods are \(2, 4\)"):
        marginal_likelihood_forward(SCORES, SCORES)
    with pytest.raises(ValueError, match="sequence, token, not 'word'"):
        marginal_likelihood_forward(SCORES, LOGS, per="word")
