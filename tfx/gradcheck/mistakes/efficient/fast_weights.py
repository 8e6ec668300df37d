"""Known mistakes in tfx/efficient/fast_weights.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.fast_weights import FastWeightsCache, FastWeightsGrads, fast_weights_backward
from tfx.gradcheck.cases.efficient.fast_weights import fast_weights
from tfx.gradcheck.mistake import Mistake


def fast_weights_that_forget_what_was_read(dout: Any, cache: FastWeightsCache) -> FastWeightsGrads:
    """u = beta v: the correction - beta a^T k is left out on the way back."""
    grads = fast_weights_backward(dout, cache)
    without = fast_weights_backward(dout, cache._replace(beta=None, v=cache.v * cache.beta))
    return grads._replace(dk=without.dk)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="fast_weights",
        name="read-back-forgotten",
        says="what was read is forgotten",
        why="The delta rule subtracts what the memory already answers, and that reading is taken for a constant.",
        hint="In how many places of the update does the key of this step stand?",
        problem=lambda rng: fast_weights(rng, "beta"),
        wrong_backward=fast_weights_that_forget_what_was_read,
    ),
)
