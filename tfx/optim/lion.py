"""Lion: the sign of a momentum, so that every parameter moves by the same length.

    c = b1 m + (1 - b1) g              what is followed: this gradient counts more ...
    value -= lr (sign(c) + decay * value)
    m = b2 m + (1 - b2) g              ... than in what is remembered, b2 > b1

Every entry moves by exactly lr, up or down (or stays, at c = 0), whatever the size of its gradient: the norm of a step
is lr sqrt(n).  One average instead of Adam's two.  Because |sign| = 1 is more than Adam's typical step, lr should be 3
to 10 times smaller than with AdamW and the decay larger by as much, since only lr * decay counts (section 5).
The update does not change when the loss is multiplied by a positive constant; noise in a gradient near zero moves a
parameter as far as signal does, which is why it wants large batches.

The formula was found by a search over programs, not derived.  With b1 = b2 and no decay it is the sign of plain
momentum ("signum", Bernstein et al. 2018), and with both 0 sign descent.
Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", program 1 and section 4.
"""

from __future__ import annotations

from tfx.arguments import number
from tfx.backend import Array, xp_of
from tfx.optim.adamw import Decays, decay_mask, decays_matrices
from tfx.optim.optimizer import Trained, UpdateRule


class Lion(UpdateRule):
    """Defaults are the paper's: b1 = 0.9, b2 = 0.99.  decays(name, shape): which parameters decay, as in AdamW."""

    averages = ("mean",)
    mean: Array

    def __init__(
        self,
        parameters: Trained,
        weight_decay: float = 0.0,
        beta1: float = 0.9,
        beta2: float = 0.99,
        decays: Decays = decays_matrices,
        l2: float = 0.0,
    ) -> None:
        super().__init__(parameters, l2)
        self.weight_decay = number("weight_decay", weight_decay, 0)
        self.beta1, self.beta2 = number("beta1", beta1, 0, 1), number("beta2", beta2, 0, 1)
        self._decay_mask = decay_mask(self.parameters, decays)

    def update_values(self, learning_rate: float) -> None:
        grad, value = self.gradient(), self.parameters.value
        xp = xp_of(value)
        self.steps += 1
        followed = self.beta1 * self.mean
        followed += (1 - self.beta1) * grad
        move = xp.sign(followed, out=followed)
        if self.weight_decay:
            move += self.weight_decay * (value * self._decay_mask)
        move *= learning_rate
        value -= move
        self.mean *= self.beta2
        self.mean += (1 - self.beta2) * grad
