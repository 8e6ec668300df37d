"""The likelihood of an answer when the document that it comes from is not known: a sum over documents.

    p(z | x)    = softmax over z of s_z                    what the retriever believes of each of K documents
    p(y | x)    = sum_z p(z | x) prod_t p(y_t | x, z)      one document for the whole answer ("sequence")
    p(y | x)    = prod_t sum_z p(z | x) p(y_t | x, z)      each word may use another one ("token")

Both are the same for answers of one word.  Everything stays in logarithms: with l_zt = log p(y_t | x, z, y_<t),

    log p(y | x) = logsumexp_z (log p(z | x) + sum_t l_zt)

Derivation.  Let r_z = p(z | x, y) = p(z | x) p(y | x, z) / p(y | x), the posterior: how much of the answer's likelihood
document z explains.  The gradient of log-sum-exp is softmax, and the softmax of those terms is r, so

    dlog p / dl_z = r_z                the reader learns from each document as much as it explains
    dlog p / ds_z = r_z - p(z | x)     the retriever's score rises where a document explained more than was believed

For "token" there is a posterior r_zt for each word, and ds_z sums r_zt - p(z | x) over the words.  So the retriever
learns without being told which document is right.  Which K documents are summed over is a choice, not a number: it has
no gradient, and a document that was not chosen can only be found once the scores of others have fallen.
Sources: Lewis et al. 2020, "Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks", section 2.1; Guu et al.
2020, "REALM", section 3.1 and appendix A (the gradient).
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.log_softmax import LogSoftmaxCache, log_softmax_backward, log_softmax_forward
from tfx.ops.basics.logsumexp import LogSumExpCache, logsumexp_backward, logsumexp_forward

MARGINALS = ("sequence", "token")


class MarginalLikelihoodCache(NamedTuple):
    prior: LogSoftmaxCache  # .y: log p(z | x), (B, K)
    joint: LogSumExpCache  # .x: log p(z, y | x), (B, K, T), or (B, K, 1) for whole answers
    shape: tuple[int, ...]


@in_float32
def marginal_likelihood_forward(
    scores: Array, log_likelihoods: Array, per: str = "sequence"
) -> tuple[Array, MarginalLikelihoodCache]:
    """scores: (B, K), log_likelihoods: (B, K, T) -> log p(y | x): (B,), cache.

    A word that does not count has log-likelihood 0 under every document.  A document with score -inf takes no part.
    Raises ValueError when the shapes do not fit or `per` is neither "sequence" nor "token".
    """
    if log_likelihoods.ndim != scores.ndim + 1 or log_likelihoods.shape[:-1] != scores.shape:
        raise ValueError(f"scores are {scores.shape} but log-likelihoods are {log_likelihoods.shape}")
    if per not in MARGINALS:
        raise ValueError(f"per must be one of {', '.join(MARGINALS)}, not {per!r}")
    log_prior, prior = log_softmax_forward(scores)
    shape = log_likelihoods.shape
    if per == "sequence":
        log_likelihoods = log_likelihoods.sum(axis=-1, keepdims=True)
    marginal, joint = logsumexp_forward(log_prior[..., None] + log_likelihoods, axis=-2)  # (B, T or 1)
    return marginal.sum(axis=-1), MarginalLikelihoodCache(prior, joint, shape)


@in_float32
def marginal_likelihood_backward(dy: Array, cache: MarginalLikelihoodCache) -> tuple[Array, Array]:
    """dy: (B,) -> dscores: (B, K), dlog_likelihoods: (B, K, T)."""
    xp = xp_of(dy)
    words = cache.joint.y.shape[-1]
    dmarginal = xp.broadcast_to(dy[..., None], (*dy.shape, words))  # y = sum of marginal over the words
    djoint = logsumexp_backward(dmarginal, cache.joint)  # posterior * dy
    dscores = log_softmax_backward(djoint.sum(axis=-1), cache.prior)  # joint = log_prior + ..., for every word
    dlog_likelihoods = xp.broadcast_to(djoint, cache.shape).copy()  # summed over words: each gets all of it
    return dscores, dlog_likelihoods


def document_posterior(cache: MarginalLikelihoodCache) -> Array:
    """-> p(z | x, y), (B, K, T), or (B, K, 1) for whole answers: which document explains the answer."""
    return xp_of(cache.joint.x).exp(cache.joint.x - cache.joint.y)
