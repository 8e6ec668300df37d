"""Writing all tokens at once: copies by fertility, the block that looks both ways, and the whole model."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, F, H, Rng, S, T, V
from tfx.models.non_autoregressive import NonAutoregressive
from tfx.nn.non_autoregressive_block import NonAutoregressiveBlock
from tfx.ops.attention.masks import padding_mask
from tfx.ops.basics.fertility import (
    CopySourcesCache,
    copy_sources_backward,
    copy_sources_forward,
    fertility_sources,
    uniform_sources,
)
from tfx.params import Layer

FERTILITIES = np.array([[1, 0, 3, 2, 0, 1, 1], [0, 2, 0, 1, 0, 0, 0]])  # of S = 7 tokens; the sums are 8 and 3
N_TARGETS = 9


def copies(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, S, C))}
    fixed = {"sources": fertility_sources(FERTILITIES, N_TARGETS)}
    return Problem(copy_sources_forward, copy_sources_backward, inputs, fixed)


def even_copies(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, S, C))}
    fixed = {"sources": uniform_sources(np.array([7, 4]), np.array([5, 9]), N_TARGETS)}
    return Problem(copy_sources_forward, copy_sources_backward, inputs, fixed)


def one_copy_counts(dy: Any, cache: CopySourcesCache) -> Any:
    """Each token takes the gradient of one of its copies: `=` where `+=` is meant."""
    dtable = np.zeros(cache.lookup.table.shape)
    dtable[cache.lookup.ids] = dy
    return dtable[:-1].reshape(cache.shape)


def the_end_counts(dy: Any, cache: CopySourcesCache) -> Any:
    """Places after the end of the target pass their gradient on to the first token."""
    ids, table = cache.lookup
    ids = np.where(ids == len(table) - 1, 0, ids)
    return copy_sources_backward(dy, cache._replace(lookup=cache.lookup._replace(ids=ids)))


def block(rng: Rng, norm: str) -> Problem:
    layer = NonAutoregressiveBlock(C, H, F, rng, norm=norm, dropout=0.2)
    inputs = {"x": rng.standard_normal((B, T, C)), "memory": rng.standard_normal((B, S, C))}
    fixed = {"mask": padding_mask([T, 3], T), "memory_mask": padding_mask([4, S], S)}
    return layer_problem(layer, rng, inputs, fixed, dropout_seed=5, directions=1)


class _Joined(Layer):
    """Both outputs of the model as one vector."""

    def __init__(self, model: NonAutoregressive) -> None:
        self.model = model

    def forward(self, **inputs: Any) -> tuple[Any, Any]:
        out, cache = self.model.forward(**inputs)
        return xp_of(*out).concatenate([part.reshape(-1) for part in out]), (
            cache,
            out.logits.shape,
            out.fertility_logits.shape,
        )

    def backward(self, dy: Any, cache: Any) -> None:
        inner, shape, fertility_shape = cache
        n = int(np.prod(shape))
        self.model.backward(dy[:n].reshape(shape), dy[n:].reshape(fertility_shape), inner)


def model(rng: Rng, **settings: Any) -> Problem:
    made = NonAutoregressive(V, d_model=6, n_heads=3, d_ff=11, n_layers=1, dropout=0.2, tgt_vocab=V + 1, **settings)
    src = np.array([[1, 1, 4, 0, 7, 2, 1], [5, 4, 4, 6, 0, 0, 0]])
    fixed = {"n_targets": N_TARGETS, "src_lengths": np.array([7, 4])}
    inputs = {"src": src, "fertilities": FERTILITIES}
    return layer_problem(_Joined(made), rng, inputs, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(copy_sources_backward, "by fertility, some tokens three times, some never", copies),
    Case(copy_sources_backward, "evenly, by the lengths", even_copies),
    *(
        Case(NonAutoregressiveBlock, f"{norm}-LN, padding, dropout", partial(block, norm=norm))
        for norm in ("pre", "post")
    ),
    Case(NonAutoregressive, "pre-LN, by fertility, padding, dropout", model),
    Case(NonAutoregressive, "post-LN, even copies, padding, dropout", partial(model, norm="post", copy="uniform")),
)

CONTROLS: tuple[Control, ...] = (
    Control("copy_sources", "of several copies one counts", one_copy_counts, copies),
    Control("copy_sources", "the filling after the end has a gradient", the_end_counts, copies),
)
