"""Known mistakes in tfx/efficient/causal_product.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.causal_product import (
    CausalProductCache,
    CausalProductGrads,
    causal_product_backward,
    causal_product_forward,
)
from tfx.gradcheck.cases.efficient.causal_product import causal_product
from tfx.gradcheck.mistake import Mistake


def causal_product_summed_from_the_start(dy: Any, cache: CausalProductCache) -> CausalProductGrads:
    """Keys and values gather from the queries before them: the reverse sum not reversed."""
    q, k, v, chunk = cache.q, cache.k, cache.v, cache.chunk
    grads = causal_product_backward(dy, cache)
    return grads._replace(
        dk=causal_product_forward(v, dy, q, chunk=chunk)[0], dv=causal_product_forward(k, q, dy, chunk=chunk)[0]
    )


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="causal_product",
        name="sum-not-reversed",
        says="not reversed",
        why="The backward looks so much like the forward that its direction in time is copied too.",
        hint="A key is read by which queries: by those before it or by those after it?",
        problem=lambda rng: causal_product(rng, 2),
        wrong_backward=causal_product_summed_from_the_start,
    ),
)
