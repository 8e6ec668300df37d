"""Known mistakes in tfx/efficient/causal_product.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.causal_product import CausalProductCache, causal_product_backward, causal_product_forward
from tfx.gradcheck.cases.efficient.causal_product import causal_product
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(causal_product, chunk=2)
def sum_not_reversed(dy: Any, cache: CausalProductCache) -> Any:
    """Not reversed.

    Keys and values gather from the queries before them: the reverse sum not reversed.

    Why: The backward looks so much like the forward that its direction in time is copied too.
    Hint: A key is read by which queries: by those before it or by those after it?
    """
    dk, _ = causal_product_forward(cache.v, dy, cache.q, chunk=cache.chunk)
    dv, _ = causal_product_forward(cache.k, cache.q, dy, chunk=cache.chunk)
    return causal_product_backward(dy, cache)._replace(dk=dk, dv=dv)
