"""Adagrad: each parameter has its own learning rate, which falls with the gradients that it has seen.

    h = h + g^2                               sum of squared gradients since the start
    value -= lr * g / (sqrt(h) + eps)

The row of a rare word gets few gradients, so its h stays small and its steps large: made for sparse features.  But h
never shrinks.  With gradients of constant size h = t g^2, so that the rate falls as lr / sqrt(t): right for a convex
problem, where the regret bound asks for it, and in a long run of a deep network it stops too early.  RMSProp and Adam
replace the sum by an average that forgets.
Source: Duchi, Hazan and Singer 2011, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
section 1.1, the diagonal form.
"""

from __future__ import annotations

from tfx.arguments import number
from tfx.backend import Array, xp_of
from tfx.optim.optimizer import Trained, UpdateRule


class Adagrad(UpdateRule):
    """rate_decay: step t, from 1, uses lr / (1 + (t - 1) rate_decay), a schedule that some libraries build in.
    l2: see Optimizer; start: first value of the sum h."""

    averages = ("squares",)
    squares: Array

    def __init__(
        self, parameters: Trained, eps: float = 1e-10, rate_decay: float = 0.0, l2: float = 0.0, start: float = 0.0
    ) -> None:
        super().__init__(parameters, l2)
        self.eps, self.rate_decay = number("eps", eps, 0), number("rate_decay", rate_decay, 0)
        self.squares += number("start", start, 0)

    def update_values(self, learning_rate: float) -> None:
        grad = self.gradient()
        rate = learning_rate / (1 + self.steps * self.rate_decay)
        self.steps += 1
        self.squares += grad * grad
        root = xp_of(grad).sqrt(self.squares)
        root += self.eps
        self.parameters.value[...] -= rate * (grad / root)
