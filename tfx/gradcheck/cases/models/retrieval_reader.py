"""Cases of tfx/models/retrieval_reader.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import Rng, V
from tfx.models.retrieval_reader import RetrievalReader, TextEncoder
from tfx.nn.block_settings import StackSettings
from tfx.nn.embedding import Embedding
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.marginal_likelihood import marginal_likelihood_backward, marginal_likelihood_forward
from tfx.params import Layer

D = 3


def text_encoder(rng: Rng, pool: str) -> Problem:
    settings = StackSettings(6, 3, 11, 1, dropout=0.2, dtype="float64")
    layer = TextEncoder(Embedding(V, 6, rng), D, pool, 7, settings, rng)
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


def reader(rng: Rng, norm_place: str) -> Problem:
    """The documents are chosen beforehand: the choice is a step, and a step has no derivative to agree with."""
    made = RetrievalReader(
        V, d_model=6, n_heads=3, d_ff=11, d_retrieval=D, max_len=9, norm_place=norm_place, dropout=0.2
    )
    inputs = {
        "questions": np.array([[3, 0, 7], [6, 2, 5]]),
        "documents": np.array([[1, 4, 4, 2], [0, 7, 1, 1], [5, 5, 6, 3], [2, 2, 3, 0], [7, 6, 5, 4]]),
        "chosen": np.array([[0, 2, 1], [4, 2, 3]]),
        "answers": np.array([4, 1]),
    }
    return layer_problem(_WithLoss(made), rng, inputs, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(TextEncoder, "mean of all places, dropout", partial(text_encoder, pool="mean")),
    Case(TextEncoder, "first place, dropout", partial(text_encoder, pool="first")),
    Case(RetrievalReader, "pre-LN, dropout, through the marginal likelihood", partial(reader, norm_place="pre")),
    Case(RetrievalReader, "post-LN, dropout, through the marginal likelihood", partial(reader, norm_place="post")),
)
