"""Cases of tfx/models/non_autoregressive.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.joined import apart, join
from tfx.gradcheck.cases.ops.basics.fertility import FERTILITIES, N_TARGETS
from tfx.gradcheck.cases.sizes import Rng, V
from tfx.models.non_autoregressive import NonAutoregressive
from tfx.params import Layer


class _Joined(Layer):
    """Both outputs of the model as one vector."""

    def __init__(self, model: NonAutoregressive) -> None:
        self.model = model

    def forward(self, **inputs: Any) -> tuple[Any, Any]:
        out, cache = self.model.forward(**inputs)
        return join(*out), (cache, out.logits.shape, out.fertility_logits.shape)

    def backward(self, dy: Any, cache: Any) -> None:
        inner, *shapes = cache
        dlogits, dfertility = apart(dy, shapes)
        self.model.backward(dlogits, dfertility, inner)


def model(rng: Rng, **settings: Any) -> Problem:
    made = NonAutoregressive(V, d_model=6, n_heads=3, d_ff=11, n_layers=1, dropout=0.2, tgt_vocab=V + 1, **settings)
    src = np.array([[1, 1, 4, 0, 7, 2, 1], [5, 4, 4, 6, 0, 0, 0]])
    fixed = {"n_targets": N_TARGETS, "src_lengths": np.array([7, 4])}
    inputs = {"src": src, "fertilities": FERTILITIES}
    return layer_problem(_Joined(made), rng, inputs, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(NonAutoregressive, "pre-LN, by fertility, padding, dropout", model),
    Case(
        NonAutoregressive, "post-LN, even copies, padding, dropout", partial(model, norm_place="post", copy="uniform")
    ),
)
