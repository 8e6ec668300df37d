"""The gradient-sign attack: a change too small to see, in the direction that hurts most.

    x' = x + eps sign(dloss/dx)

Of all changes with no entry larger than eps this one raises the loss most, as far as the loss is linear: it gains
eps |dloss/dx|_1, which grows with the number of entries, while a random sign pattern gains 0 on average.
Source: Goodfellow, Shlens and Szegedy 2015, "Explaining and Harnessing Adversarial Examples", section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward


def input_gradient(model: Any, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """model: with forward(x) -> logits (B, classes) and backward(dlogits) -> dx, as VisionTransformer.

    The gradients of its parameters are left at zero.
    """
    logits, cache = model.forward(x)
    _, loss_cache = cross_entropy_forward(logits, labels)
    dx = model.backward(cross_entropy_backward(1.0, loss_cache), cache)
    model.zero_grad()
    return dx


def gradient_sign_attack(model: Any, x: np.ndarray, labels: np.ndarray, eps: float) -> np.ndarray:
    """x: (B, ...), labels: (B,) -> attacked x, no entry changed by more than eps."""
    return x + np.asarray(eps, dtype=x.dtype) * np.sign(input_gradient(model, x, labels))
