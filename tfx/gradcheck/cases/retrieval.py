"""Retrieval: scores, the marginal likelihood over documents, and a reader that is trained through both."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.models.retrieval_reader import RetrievalReader, TextEncoder
from tfx.nn.embedding import Embedding
from tfx.ops.basics.retrieval import RetrievalScoresCache, retrieval_scores_backward, retrieval_scores_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.marginal_likelihood import (
    MarginalLikelihoodCache,
    marginal_likelihood_backward,
    marginal_likelihood_forward,
)
from tfx.params import Layer

K, D = 4, 3  # documents for each question, width of the vectors that are compared


def scores(rng: Rng, scale: float = 1.0) -> Problem:
    inputs = {"queries": rng.standard_normal((B, D)), "documents": rng.standard_normal((B, K, D))}
    return Problem(retrieval_scores_forward, retrieval_scores_backward, inputs, {"scale": scale})


def marginal(rng: Rng, per: str, words: int = T) -> Problem:
    inputs = {"scores": rng.standard_normal((B, K)), "log_likelihoods": -2 * rng.random((B, K, words))}
    return Problem(marginal_likelihood_forward, marginal_likelihood_backward, inputs, {"per": per})


def prior_for_posterior(dy: Any, cache: MarginalLikelihoodCache) -> Any:
    """The reader learns from each document as much as was believed in it, before the answer was seen."""
    dscores, dlog_likelihoods = marginal_likelihood_backward(dy, cache)
    prior = np.exp(cache.prior.y)[..., None]
    return dscores, dy[:, None, None] * prior + np.zeros_like(dlog_likelihoods)


def posterior_alone(dy: Any, cache: MarginalLikelihoodCache) -> Any:
    """Scores rise by the posterior, with nothing taken off: the softmax of the prior is forgotten."""
    _, dlog_likelihoods = marginal_likelihood_backward(dy, cache)
    return dlog_likelihoods[..., 0], dlog_likelihoods


def scale_forgotten(dscores: Any, cache: RetrievalScoresCache) -> Any:
    return retrieval_scores_backward(dscores, cache._replace(scale=1.0))


def documents_for_queries(dscores: Any, cache: RetrievalScoresCache) -> Any:
    """The first document's vector stands for all of them."""
    _, ddocuments = retrieval_scores_backward(dscores, cache)
    return dscores.sum(axis=1, keepdims=True) * cache.documents[:, 0], ddocuments


def text_encoder(rng: Rng, pool: str) -> Problem:
    stack = {"n_layers": 1, "n_heads": 3, "d_ff": 11, "norm": "pre", "dropout": 0.2, "dtype": "float64"}
    layer = TextEncoder(Embedding(V, 6, rng), D, pool, 7, rng, **stack)
    ids = np.array([[3, 3, 0, 7, 1], [6, 3, 2, 2, 5]])
    return layer_problem(layer, rng, {"ids": ids}, dropout_seed=5, directions=1)


class _WithLoss(Layer):
    """The model and its marginal likelihood, so that one number is checked through reader and retriever."""

    def __init__(self, model: RetrievalReader) -> None:
        self.model = model

    def forward(self, answers: Any, **inputs: Any) -> tuple[Any, Any]:
        out, cache = self.model.forward(**inputs)
        targets = xp_of(answers).broadcast_to(answers[:, None], out.scores.shape)
        surprises, answer_cache = cross_entropy_forward(out.logits, targets, reduction="none")
        likelihood, marginal_cache = marginal_likelihood_forward(out.scores, -surprises[..., None])
        return likelihood, (cache, answer_cache, marginal_cache)

    def backward(self, dy: Any, cache: Any) -> None:
        inner, answer_cache, marginal_cache = cache
        dscores, dlog_likelihoods = marginal_likelihood_backward(dy, marginal_cache)
        self.model.backward(dscores, cross_entropy_backward(-dlog_likelihoods[..., 0], answer_cache), inner)


def reader(rng: Rng, norm: str) -> Problem:
    """The documents are chosen beforehand: the choice is a step, and a step has no derivative to agree with."""
    made = RetrievalReader(V, d_model=6, n_heads=3, d_ff=11, d_retrieval=D, max_len=9, norm=norm, dropout=0.2)
    inputs = {
        "questions": np.array([[3, 0, 7], [6, 2, 5]]),
        "documents": np.array([[1, 4, 4, 2], [0, 7, 1, 1], [5, 5, 6, 3], [2, 2, 3, 0], [7, 6, 5, 4]]),
        "chosen": np.array([[0, 2, 1], [4, 2, 3]]),
        "answers": np.array([4, 1]),
    }
    return layer_problem(_WithLoss(made), rng, inputs, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(retrieval_scores_backward, "some documents for each question", scores),
    Case(retrieval_scores_backward, "scaled", partial(scores, scale=0.3)),
    Case(marginal_likelihood_backward, "one document for the whole answer", partial(marginal, per="sequence")),
    Case(marginal_likelihood_backward, "each word from another document", partial(marginal, per="token")),
    Case(marginal_likelihood_backward, "answers of one word", partial(marginal, per="sequence", words=1)),
    Case(TextEncoder, "mean of all places, dropout", partial(text_encoder, pool="mean")),
    Case(TextEncoder, "first place, dropout", partial(text_encoder, pool="first")),
    Case(RetrievalReader, "pre-LN, dropout, through the marginal likelihood", partial(reader, norm="pre")),
    Case(RetrievalReader, "post-LN, dropout, through the marginal likelihood", partial(reader, norm="post")),
)

CONTROLS: tuple[Control, ...] = (
    Control("retrieval_scores", "one document stands for all", documents_for_queries, scores),
    Control("retrieval_scores", "the scale is forgotten", scale_forgotten, partial(scores, scale=0.3)),
    Control(
        "marginal_likelihood",
        "the prior in place of the posterior",
        prior_for_posterior,
        partial(marginal, per="sequence"),
    ),
    Control("marginal_likelihood", "the prior is not taken off", posterior_alone, partial(marginal, per="sequence")),
)
