"""The loss of a retrieval-augmented reader: the marginal likelihood of the answer, over the documents it found."""

from __future__ import annotations

import numpy as np

from tfx.backend import as_number, xp_of
from tfx.data.facts import FactBatch
from tfx.models.retrieval_reader import RetrievalReader
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.marginal_likelihood import marginal_likelihood_backward, marginal_likelihood_forward
from tfx.train.loop import Loss, LossValue, Rng


def answer_loss(retriever: bool = True) -> Loss[RetrievalReader]:
    """- log sum_z p(z | x) p(y | x, z), a mean over the questions: it trains reader and retriever together.

    retriever=False trains the reader alone, which is how to begin.
    """

    def loss(model: RetrievalReader, batch: FactBatch, rng: Rng) -> LossValue:
        n = len(batch.questions)
        out, cache = model.forward(batch.questions, batch.documents, rng=rng)
        answers = np.broadcast_to(batch.answers[:, None], out.scores.shape)  # (B, K): the same under every document
        surprises, answer_cache = cross_entropy_forward(out.logits, answers, reduction="none")
        likelihood, marginal_cache = marginal_likelihood_forward(out.scores, -surprises[..., None])
        dlikelihood = xp_of(likelihood).full(n, -1.0 / n, dtype=likelihood.dtype)
        dscores, dlog_likelihoods = marginal_likelihood_backward(dlikelihood, marginal_cache)
        if not retriever:
            dscores = xp_of(dscores).zeros_like(dscores)
        model.backward(dscores, cross_entropy_backward(-dlog_likelihoods[..., 0], answer_cache), cache)
        return LossValue(-as_number(likelihood.mean()), n)

    return loss
