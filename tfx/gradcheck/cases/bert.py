"""BERT: pooler, input, masked-language head, and the whole model along one direction for each parameter tensor."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, F, H, Rng, S, T, V
from tfx.models.bert import Bert
from tfx.nn.embedding import Embedding
from tfx.nn.masked_language_head import MaskedLanguageHead
from tfx.nn.pooler import Pooler
from tfx.nn.segment_input import SegmentInput
from tfx.ops.basics.linear import linear_backward
from tfx.ops.feed_forward.pooler import PoolerCache, PoolerGrads, pooler_backward, pooler_forward
from tfx.params import Layer

E = 4  # a table narrower than the model
IDS = np.array([[3, 3, 0, 7, 1], [6, 3, 2, 2, 5]])
SEGMENTS = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 1, 0]])


class _AllOutputs(Layer):
    """Shows hidden states and both logits as one vector, as a loss that reads all of them would see them."""

    def __init__(self, model: Bert) -> None:
        self.model = model

    def forward(self, **inputs: Any) -> tuple[Any, Any]:
        output, cache = self.model.forward(**inputs)
        return xp_of(*output).concatenate([part.reshape(-1) for part in output]), (
            cache,
            [part.shape for part in output],
        )

    def backward(self, dy: Any, cache: Any) -> None:
        inner, shapes = cache
        stops = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
        dhidden, dmlm, dnsp = (part.reshape(shape) for part, shape in zip(np.split(dy, stops), shapes, strict=True))
        self.model.backward(dmlm, dnsp, inner, dhidden)


def pooler(rng: Rng, length: int = T) -> Problem:
    inputs = {"hidden": rng.standard_normal((B, length, C)), "w": 0.4 * rng.standard_normal((C, F))}
    return Problem(pooler_forward, pooler_backward, inputs | {"b": rng.standard_normal(F)})


def pooler_reads_every_token(dy: Any, cache: PoolerCache) -> PoolerGrads:
    grads = pooler_backward(dy, cache)
    return grads._replace(dhidden=np.broadcast_to(grads.dhidden[:, :1], grads.dhidden.shape))


def pooler_without_tanh(dy: Any, cache: PoolerCache) -> PoolerGrads:
    dfirst, dw, db = linear_backward(dy, cache.linear)
    return PoolerGrads(np.pad(dfirst[:, None], ((0, 0), (0, cache.length - 1), (0, 0))), dw, db)


def pooler_layer(rng: Rng) -> Problem:
    return layer_problem(Pooler(C, rng), rng, {"hidden": rng.standard_normal((B, T, C))})


def segment_input(
    rng: Rng, width: int = C, segments: np.ndarray | None = SEGMENTS, positions: str = "learned"
) -> Problem:
    tokens = Embedding(V, width, rng, scaled=False)
    layer = SegmentInput(tokens, C, 2, positions, S, rng, dropout=0.2)
    return layer_problem(layer, rng, {"ids": IDS}, {"segments": segments}, dropout_seed=5)


def masked_language_head(rng: Rng, width: int = C) -> Problem:
    layer = MaskedLanguageHead(Embedding(V, width, rng, scaled=False), C, rng)
    return layer_problem(layer, rng, {"hidden": rng.standard_normal((B, T, C))})


def bert(rng: Rng, **settings: Any) -> Problem:
    settings = {"n_layers": 1, "eps": 0.1, **settings}
    model = Bert(V, d_model=C, n_heads=H, d_ff=F, max_len=S, dropout=0.2, **settings)
    fixed = {"segments": SEGMENTS, "lengths": np.array([T, 3])}
    return layer_problem(_AllOutputs(model), rng, {"ids": IDS}, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(pooler_backward, "five tokens", pooler),
    Case(pooler_backward, "one token", partial(pooler, length=1)),
    Case(Pooler, "batch of sequences", pooler_layer),
    Case(SegmentInput, "two segments, dropout", segment_input),
    Case(SegmentInput, "factorised embedding", partial(segment_input, width=E)),
    Case(SegmentInput, "one segment, no positions", partial(segment_input, segments=None, positions="none")),
    Case(MaskedLanguageHead, "tied table", masked_language_head),
    Case(MaskedLanguageHead, "factorised embedding", partial(masked_language_head, width=E)),
    Case(Bert, "loss on all outputs, padding, dropout", bert),
    Case(
        Bert,
        "ALBERT: factorised embedding, one block used twice",
        partial(bert, embedding_width=E, shared=True, n_layers=2),
    ),
    Case(Bert, "no positions", partial(bert, positions="none")),
)

CONTROLS: tuple[Control, ...] = (
    Control("pooler", "every token is taken for the first", pooler_reads_every_token, pooler),
    Control("pooler", "the tanh is forgotten", pooler_without_tanh, pooler),
)
