"""Two relations that one head has to learn, with two projections and with W_Q = W_K, trained by plain gradient descent.

    follows   a circle: every token must look at the token after it.  i -> j does not mean j -> i
    partner   pairs: every token must look at its partner.            i -> j means j -> i

The weights are the answer: loss = mean_i -log P[i, target_i] (a pointing loss), and a token may not look at itself,
unless its own key is left open.

Why the tied head fails.  With W_Q = W_K the scores are symmetric: whatever i gives to the token after it, that token
gives back to i.  Averaging symmetric scores over all rotations of the circle keeps them symmetric and cannot raise
the loss, which is convex in the scores.  After that, the tokens before and after i score alike, so P <= 1/2 and

    loss >= log 2

Nor can every row be right: scores that rise from link to link all the way round would have to rise above themselves.

With its own key open a tied head cannot learn even partners.  The scores are inner products, so s_ii + s_jj >= 2 s_ij:
with u = s_ij - s_ii and w = s_ij - s_jj, u + w <= 0, and P[i, j] P[j, i] <= sigmoid(u) sigmoid(w) <= 1/4.
Sources: projections of their own for queries and keys: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.2;
the loss: Vinyals, Fortunato and Jaitly 2015, "Pointer Networks", section 2.3.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tfx.ops.attention.pointing import pointing_backward, pointing_forward
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.linear import linear_backward, linear_forward

#: The loss below which no symmetric scores can bring a circle.
FLOOR = math.log(2.0)


class Trained(NamedTuple):
    """losses: one for each step and one at the end; accuracy: share of tokens whose largest weight is on the target;
    lead: the smallest lead of a target's weight over the largest other one, negative where a token looks elsewhere;
    weights: (N, N); w_q, w_k: (C, D), one and the same array when tied."""

    losses: tuple[float, ...]
    accuracy: float
    lead: float
    weights: np.ndarray
    w_q: np.ndarray
    w_k: np.ndarray


class Comparison(NamedTuple):
    """Five trainings; partner_open leaves the own key open.  circle: (N,), the tokens as they follow each other."""

    follows_tied: Trained
    follows_untied: Trained
    partner_tied: Trained
    partner_untied: Trained
    partner_open: Trained
    circle: np.ndarray


def follows(n: int, rng: np.random.Generator) -> np.ndarray:
    """(N,) int64 targets: one circle through all n tokens, in random order."""
    order = rng.permutation(n)
    targets = np.empty(n, dtype=np.int64)
    targets[order] = np.roll(order, -1)
    return targets


def partner(n: int, rng: np.random.Generator) -> np.ndarray:
    """(N,) int64 targets: random pairs.  Raises ValueError when n is odd."""
    if n % 2:
        raise ValueError(f"{n} tokens cannot be paired")
    order = rng.permutation(n)
    targets = np.empty(n, dtype=np.int64)
    targets[order[0::2]], targets[order[1::2]] = order[1::2], order[0::2]
    return targets


def compare(tokens: int, d_k: int, steps: int, seed: int) -> Comparison:
    """Trains both relations with W_Q = W_K and with two matrices, from the same seed, and partners with open own keys.

    Raises ValueError when tokens is odd.
    """
    after, mate = (relation(tokens, np.random.default_rng(seed)) for relation in (follows, partner))
    circle = [0]
    while len(circle) < tokens:
        circle.append(int(after[circle[-1]]))
    return Comparison(
        follows_tied=train(after, True, d_k, steps, seed),
        follows_untied=train(after, False, d_k, steps, seed),
        partner_tied=train(mate, True, d_k, steps, seed),
        partner_untied=train(mate, False, d_k, steps, seed),
        partner_open=train(mate, True, d_k, steps, seed, own_key=True),
        circle=np.array(circle),
    )


def train(
    targets: np.ndarray, tied: bool, d_k: int, steps: int, seed: int, rate: float = 1.5, own_key: bool = False
) -> Trained:
    """Plain gradient descent on W_Q and W_K, gradients by the library's hand-derived backward functions.

    targets: (N,) integer.  own_key: whether a token may look at itself.  The tokens have fixed random vectors; W_V is
    not needed, because the values are one-hot and so the output of attention is the row of weights itself.
    """
    n = len(targets)
    rng = np.random.default_rng(seed)
    width = n + 4
    x = np.linalg.qr(rng.standard_normal((width, n)))[0].T  # (N, C), orthogonal rows of length 1
    w_q = rng.standard_normal((width, d_k)) / 2
    w_k = w_q if tied else rng.standard_normal((width, d_k)) / 2
    others, rows = own_key | ~np.eye(n, dtype=bool), np.zeros(n, dtype=np.int64)
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
    on_target = weights[np.arange(n), targets]
    elsewhere = np.where(one_hot[targets] == 1, -math.inf, weights).max(axis=-1)
    return Trained((*losses, final), accuracy, float((on_target - elsewhere).min()), weights, w_q, w_k)


def asymmetry(scores: np.ndarray) -> float:
    """scores: (N, N) -> the largest |S - S^T| relative to the largest |S|; 0 for symmetric scores."""
    return float(abs(scores - scores.T).max() / abs(scores).max())
