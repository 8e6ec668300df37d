"""Two relations that a head may have to learn, and a tiny training run with and without W_Q = W_K.

follows   a circle: every token must look at the token after it.  i -> j does not mean j -> i
partner   pairs: every token must look at its partner.            i -> j means j -> i

The weights are the answer: loss = mean_i -log P[i, target_i] (a pointing loss), and a token may not look at itself.

Why the tied head fails.  With W_Q = W_K the scores are symmetric: whatever i gives to the token after it, that token
gives back to i.  Averaging symmetric scores over all rotations of the circle keeps them symmetric and cannot raise
the loss, which is convex in the scores.  After that, the tokens before and after i score alike, so P <= 1/2 and

    loss >= log 2
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.ops.attention.pointing import pointing_backward, pointing_forward
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.linear import linear_backward, linear_forward


class Trained(NamedTuple):
    """losses: one per step and one at the end; accuracy: share of tokens whose largest weight is on the target;
    weights: (N, N); w_q, w_k: (C, D), one and the same array when tied."""

    losses: tuple[float, ...]
    accuracy: float
    weights: np.ndarray
    w_q: np.ndarray
    w_k: np.ndarray


def follows(n: int, rng: np.random.Generator) -> np.ndarray:
    """(N,) targets: one circle through all n tokens, in random order."""
    order = rng.permutation(n)
    targets = np.empty(n, dtype=np.int64)
    targets[order] = np.roll(order, -1)
    return targets


def partner(n: int, rng: np.random.Generator) -> np.ndarray:
    """(N,) targets: random pairs; n must be even."""
    order = rng.permutation(n)
    targets = np.empty(n, dtype=np.int64)
    targets[order[0::2]], targets[order[1::2]] = order[1::2], order[0::2]
    return targets


def train(targets: np.ndarray, tied: bool, d_k: int, steps: int, seed: int, rate: float = 1.5) -> Trained:
    """Plain gradient descent on W_Q and W_K, gradients by the library's hand-derived backward functions.

    targets: (N,).  The tokens have fixed random vectors; W_V is not needed, because the values are one-hot and so the
    output of attention is the row of weights itself.
    """
    n = len(targets)
    rng = np.random.default_rng(seed)
    width = n + 4
    x = np.linalg.qr(rng.standard_normal((width, n)))[0].T  # (N, C), orthogonal rows of length 1
    w_q = rng.standard_normal((width, d_k)) / 2
    w_k = w_q if tied else rng.standard_normal((width, d_k)) / 2
    others, rows = ~np.eye(n, dtype=bool), np.zeros(n, dtype=np.int64)
    one_hot = np.eye(n)
    losses = []
    for _ in range(steps):
        q, query_cache = linear_forward(x, w_q)
        k, key_cache = linear_forward(x, w_k)
        weights, cache = attention_forward(q, k, one_hot, mask=others)
        loss, loss_cache = pointing_forward(weights[:, None, None], rows, targets)
        losses.append(float(loss))
        dweights = pointing_backward(1.0, loss_cache)[:, 0, 0]
        dq, dk, _ = attention_backward(dweights, cache)
        dw_q, dw_k = linear_backward(dq, query_cache)[1], linear_backward(dk, key_cache)[1]
        if tied:
            w_q = w_k = w_q - rate / 2 * (dw_q + dw_k)  # one matrix used twice: its gradients add, so half the rate
        else:
            w_q, w_k = w_q - rate * dw_q, w_k - rate * dw_k
    weights, _ = attention_forward(x @ w_q, x @ w_k, one_hot, mask=others)
    final = float(pointing_forward(weights[:, None, None], rows, targets)[0])
    accuracy = float((weights.argmax(axis=-1) == targets).mean())
    return Trained((*losses, final), accuracy, weights, w_q, w_k)
