"""How much each attention head matters: the size of the gradient of a factor that could switch it off.

    I_h = mean over examples of |dL/dxi_h|           y_h = xi_h head_h, at xi = 1

See ops/attention/head_mask.py for the derivation, and for why it is a sum over the rows of W_o that belong to the head:
dL/dxi_h = sum dW_o * W_o.  So one ordinary backward for each example gives the importance of all heads of all layers.
The absolute value stands inside the mean: a head that helps one example and harms another matters.
Source: Michel, Levy and Neubig 2019, "Are Sixteen Heads Really Better than One?", section 2.3, equation 2; the division
by the norm of each layer, recommended there in section 4.1, is Molchanov et al. 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.nn.attention import MultiHeadAttention
from tfx.params import Layer, walk


def head_importance(
    model: Layer,
    loss: Callable[[Any, Any, Any], Any],
    examples: Iterable[Any],
    by_layer: bool = False,
    seed: int = 0,
) -> dict[str, Array]:
    """-> dotted name of each attention: (H,) importance of its heads.

    loss(model, batch, rng): as train takes it; examples: batches of one example each.  by_layer: divided by the norm
    over the heads of a layer.  The gradients of the model are overwritten, and are zero afterwards.
    Raises ValueError without examples.
    """
    attentions = {id(attention): (name, attention) for name, attention in walk(model, MultiHeadAttention)}.values()
    totals: dict[str, Any] = {name: 0.0 for name, _ in attentions}
    n_examples = 0
    for example in examples:
        model.zero_grad()
        loss(model, example, np.random.default_rng((seed, n_examples)))
        for name, attention in attentions:
            totals[name] = totals[name] + abs(head_gradients(attention))
        n_examples += 1
    if not n_examples:
        raise ValueError("importance is a mean over examples, and there are none")
    model.zero_grad()
    means = {name: total / n_examples for name, total in totals.items()}
    return {name: _of_unit_length(mean) for name, mean in means.items()} if by_layer else means


def head_gradients(attention: MultiHeadAttention) -> Array:
    """-> (H,): the gradient of a factor 1 on each head, read off the gradient that the output map has now."""
    products = attention.output.w.grad * attention.output.w.value  # (H D, C)
    return products.reshape(attention.n_heads, -1).sum(axis=-1)


def _of_unit_length(x: Array) -> Array:
    length = xp_of(x).sqrt((x * x).sum())
    return x / xp_of(x).where(length > 0, length, 1)
