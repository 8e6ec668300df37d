"""Vanishing and exploding gradients: the backward of a chain is a product, and a product of many factors goes to 0 or
to infinity.

    h_l = act(h_(l-1) W_l)                      without residual connections
    |dh_0| ~ g^L |dh_L|                         g: what one step does to a gradient; g^L whether L layers or L time
    steps

With h_l = h_(l-1) + f(h_(l-1)) each factor is 1 + f' and the gradient has a way on which nothing multiplies it.
Sources: Hochreiter 1991; Bengio et al. 1994, "Learning Long-Term Dependencies with Gradient Descent is Difficult";
Pascanu et al. 2013, section 2.1; He et al. 2016, "Identity Mappings in Deep Residual Networks", equation 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS


def through_layers(
    depth: int,
    gain: float,
    width: int = 32,
    residual: bool = False,
    activation: str | None = "tanh",
    shared: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """-> (depth + 1,): the norm of the gradient at the input of each layer and, last, at the output, where it is 1.

    W_l: a random orthogonal matrix times gain; shared: the same one at each step, as in a recurrent network.
    activation: None for a linear chain.
    """
    rng = np.random.default_rng(seed)
    h, caches = rng.standard_normal((1, width)), []
    w = _orthogonal(width, rng) * gain
    for _ in range(depth):
        f, linear = linear_forward(h, w)
        act: Any = None
        if activation is not None:
            f, act = ACTIVATIONS[activation][0](f)
        h = h + f if residual else f
        caches.append((linear, act))
        w = w if shared else _orthogonal(width, rng) * gain
    dh = rng.standard_normal((1, width))
    dh /= np.sqrt((dh * dh).sum())
    norms = [1.0]
    for linear, act in reversed(caches):
        df = dh if activation is None else ACTIVATIONS[activation][1](dh, act)  # f = act(h w)
        dread = linear_backward(df, linear)[0]
        dh = dh + dread if residual else dread  # h = h + f
        norms.append(float(np.sqrt((dh * dh).sum())))
    return np.array(norms[::-1])


def through_blocks(model: Any, ids: np.ndarray, seed: int = 0) -> np.ndarray:
    """model: Encoder or DecoderOnly; ids: (B, T) -> (L + 1,): as above, at the input of each block and at the end of
    the last, for a random gradient of norm 1 there."""
    _, cache = model.encode(ids)
    dx = np.random.default_rng(seed).standard_normal(cache.blocks[0].x.shape).astype(cache.blocks[0].x.dtype)
    dx /= np.sqrt((dx * dx).sum())
    norms = [1.0]
    for block, block_cache in zip(reversed(model.stack.blocks), reversed(cache.blocks), strict=True):
        dx = block.backward(dx, block_cache)
        norms.append(float(np.sqrt((dx * dx).sum())))
    return np.array(norms[::-1])


def _orthogonal(width: int, rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((width, width)))
    return q * np.sign(np.diag(r))
