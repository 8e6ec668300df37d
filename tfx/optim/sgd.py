"""Stochastic gradient descent, with momentum.

    v = momentum * v + g              velocity: a sum of the gradients, older ones counting less and less
    value -= lr * v

A gradient that stays the same adds up to g (1 + momentum + momentum^2 + ...) = g / (1 - momentum): with 0.9 the steps
become ten times as long.  One that changes its sign from step to step cancels.

Nesterov looks ahead: value -= lr * (g + momentum * v), where v already holds g.  Derivation: Nesterov takes the
gradient at the place x' = x - lr momentum v where the velocity alone would lead.  Following x' instead of x, with
v' = momentum v + g the new velocity,
    x'_new = x_new - lr momentum v' = (x - lr v') - lr momentum v'           the definition of x', one step later
           = x' + lr momentum v - lr (momentum v + g) - lr momentum v'       x = x' + lr momentum v
           = x' - lr (g + momentum v')
so the same optimiser needs only the gradient at the place where the parameters are.
Sources: Polyak 1964; Nesterov 1983; in this form Sutskever et al. 2013, "On the importance of initialization and
momentum in deep learning", section 2.
"""

from __future__ import annotations

from tfx.arguments import number
from tfx.backend import Array
from tfx.optim.optimizer import Trained, UpdateRule


class SGD(UpdateRule):
    """grad_weight: how much of each gradient after the first enters the velocity (PyTorch's 1 - dampening).

    With grad_weight = 1 - momentum the velocity is an average of the gradients and not a sum.
    """

    averages = ("velocity",)
    velocity: Array

    def __init__(
        self,
        parameters: Trained,
        momentum: float = 0.0,
        nesterov: bool = False,
        grad_weight: float = 1.0,
        l2: float = 0.0,
    ) -> None:
        super().__init__(parameters, l2)
        self.momentum, self.nesterov = number("momentum", momentum, 0, 1), nesterov
        self.grad_weight = number("grad_weight", grad_weight)

    def update_values(self, learning_rate: float) -> None:
        grad = self.gradient()
        self.steps += 1
        self.velocity *= self.momentum
        self.velocity += grad if self.steps == 1 or self.grad_weight == 1 else self.grad_weight * grad
        move = grad + self.momentum * self.velocity if self.nesterov else self.velocity
        self.parameters.value[...] -= learning_rate * move
