"""Adam: momentum, and for each parameter a step of its own length.

    m = b1 m + (1 - b1) g                 average gradient
    v = b2 v + (1 - b2) g^2               average squared gradient
    value -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

Bias correction, derived.  m starts at zero, so after t steps m = (1 - b1) sum_i b1^(t-i) g_i.  If every g_i has the
mean G, then m has the mean G (1 - b1) (1 + b1 + ... + b1^(t-1)) = G (1 - b1^t): too small by 1 - b1^t, and dividing
by that gives G.  The same holds for v.  So the first step is lr * g / (|g| + eps), hardly more than the sign of g.

The ratio m / sqrt(v) does not change when the loss is multiplied by a constant; eps sets the size of gradient below
which that stops.  A parameter whose true gradient is zero (a key's bias, which softmax cancels) gets rounding errors
of 1e-17 or so, and moves by lr * 1e-17 / eps.

Epsilon hat.  Kingma and Ba (end of section 2) trade clarity for speed:
    value -= lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps_hat)
Multiplying the top and bottom of the first form by sqrt(1 - b2^t) shows that the two are equal if
eps_hat = eps * sqrt(1 - b2^t).  With one constant number for both, this form has the larger eps at first, by
1 / sqrt(1 - b2^t) (7 at t = 1 for b2 = 0.98), and the same one later.  ONNX and TensorFlow have this form.
Source: Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1 and sections 2 and 3.
"""

from __future__ import annotations

import math

from tfx.arguments import number
from tfx.backend import Array, on_host, xp_of
from tfx.optim.optimizer import Trained, UpdateRule

#: Numbers updated at a time: value, gradient, both averages and a scratch vector of that size fit into the cache.
BLOCK = 2**16


class Adam(UpdateRule):
    """Defaults are Vaswani et al. 2017, section 5.3: b1 = 0.9, b2 = 0.98, eps = 1e-9.

    eps_hat: use eps as the eps_hat above.  bias_correction: False leaves both divisions out.  l2: see Optimizer.
    eps = 0 divides 0 by 0 where every gradient so far was 0.
    """

    averages = ("mean", "square")
    mean: Array
    square: Array

    def __init__(
        self,
        parameters: Trained,
        beta1: float = 0.9,
        beta2: float = 0.98,
        eps: float = 1e-9,
        eps_hat: bool = False,
        bias_correction: bool = True,
        l2: float = 0.0,
    ) -> None:
        super().__init__(parameters, l2)
        self.beta1, self.beta2 = number("beta1", beta1, 0, below=1), number("beta2", beta2, 0, below=1)
        self.eps = number("eps", eps, 0)
        self.eps_hat, self.bias_correction = eps_hat, bias_correction
        n = self.parameters.value.size
        block = min(BLOCK, n) if on_host(self.parameters.value) else max(n, 1)
        self._blocks = [slice(start, min(start + block, n)) for start in range(0, n, block)]
        self._scratch = self.zeros(block)

    def update_values(self, learning_rate: float) -> None:
        gradient = self.gradient()
        self.steps += 1
        for part in self._blocks:
            self._step_in(part, gradient[part], learning_rate)

    def _step_in(self, part: slice, grad: Array, learning_rate: float) -> None:
        """All passes over a part of the vector that stays in the cache meanwhile."""
        xp = xp_of(grad)
        value, mean, square = self.parameters.value[part], self.mean[part], self.square[part]
        scratch = self._scratch[: value.size]
        xp.multiply(grad, 1 - self.beta1, out=scratch)
        mean *= self.beta1
        mean += scratch
        xp.multiply(grad, grad, out=scratch)
        scratch *= 1 - self.beta2
        square *= self.beta2
        square += scratch
        mean_share = 1 - self.beta1**self.steps if self.bias_correction else 1.0  # m has this share of its target
        root_share = math.sqrt(1 - self.beta2**self.steps) if self.bias_correction else 1.0  # and sqrt(v) this
        # value -= rate * mean / mean_share / (sqrt(square) / root_share + eps), built up in one scratch vector
        xp.sqrt(square, out=scratch)
        if self.eps_hat:
            scratch += self.eps
        scratch *= 1 / root_share
        if not self.eps_hat:
            scratch += self.eps
        xp.divide(mean, scratch, out=scratch)
        scratch *= learning_rate / mean_share
        value -= scratch
