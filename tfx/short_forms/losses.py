"""Cross-entropy in a few lines, and back.  Derivation: ops/losses/cross_entropy.py."""

from __future__ import annotations

import numpy as np

from tfx.backend import Array
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.short_forms.registry import Trial, on, short_of
from tfx.short_forms.sizes import T, V


def _loss(rng: np.random.Generator) -> Trial:
    return on(cross_entropy_forward, 2 * rng.standard_normal((T, V)), rng.integers(V, size=T))


@short_of(cross_entropy_forward, _loss)
def cross_entropy(logits: Array, targets: Array) -> Array:
    shifted = logits - logits.max(-1, keepdims=True)  # (T, V)
    sums = np.exp(shifted).sum(-1, keepdims=True)  # (T, V) -> (T, 1)
    log_p = shifted - np.log(sums)  # (T, V)
    wanted = log_p[np.arange(len(targets)), targets]  # (T, V) -> (T,)
    return -wanted.mean()


def _loss_back(rng: np.random.Generator) -> Trial:
    logits, targets = _loss(rng).arguments
    return Trial((logits, targets), cross_entropy_backward(1.0, cross_entropy_forward(logits, targets)[1]))


@short_of(cross_entropy_backward, _loss_back)
def cross_entropy_gradient(logits: Array, targets: Array) -> Array:
    exps = np.exp(logits - logits.max(-1, keepdims=True))  # (T, V)
    p = exps / exps.sum(-1, keepdims=True)  # the prediction
    wanted = np.eye(logits.shape[-1])[targets]  # 1 at the target
    return (p - wanted) / len(targets)  # (T, V) -> (T, V)
