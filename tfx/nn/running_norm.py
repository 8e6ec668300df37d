"""What norms with running statistics have in common: gain, offset, and a switch between training and evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.params import Layer, Parameter


class RunningNorm(Layer):
    """Owns gamma: (C,), ones, and beta: (C,), zeros.  The buffers, which training moves by `momentum`, are the norm's.

    training is a property of the layer, because it changes what the layer computes: nn.normalisation has
    `set_training` for whole models.
    """

    def __init__(self, width: int, dtype: Any, eps: float, momentum: float) -> None:
        self.gamma = Parameter(np.ones(width, dtype=dtype))
        self.beta = Parameter(np.zeros(width, dtype=dtype))
        self.eps, self.momentum = eps, momentum
        self.training = True

    def _add(self, dgamma: Any, dbeta: Any) -> None:
        self.gamma.grad += dgamma
        self.beta.grad += dbeta
