"""What people write in the place of a step of Adam.

All arguments go into one object, so that each mistake shows what it does otherwise, and nothing else.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lessons.training.optimizers.exercises.adam import exercise


@dataclass(frozen=True)
class Step:
    value: Any
    grad: Any
    mean: Any
    square: Any
    step: int
    rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    decay: float = 0.0
    decoupled: bool = True

    @property
    def slope(self) -> Any:
        """The gradient that is followed."""
        return self.grad if self.decoupled else self.grad + self.decay * self.value

    @property
    def new_mean(self) -> Any:
        return self.beta1 * self.mean + (1 - self.beta1) * self.slope

    @property
    def new_square(self) -> Any:
        return self.beta2 * self.square + (1 - self.beta2) * self.slope**2

    @property
    def corrections(self) -> tuple[float, float]:
        return 1 - self.beta1**self.step, 1 - self.beta2**self.step

    def moved(self, update: Any) -> Any:
        return self.value - self.rate * (update + self.decoupled * self.decay * self.value)

    def ended(self, mean: Any, square: Any, of_mean: float, of_square: float) -> Any:
        """With these averages, divided by these corrections."""
        update = mean / of_mean / (np.sqrt(square / of_square) + self.eps)
        return self.moved(update), mean, square

    def right(self) -> Any:
        return self.ended(self.new_mean, self.new_square, *self.corrections)


def mistake(function: Callable[[Step], Any]) -> Callable[..., Any]:
    """A mistake of the exercise, with the arguments of its function."""

    @functools.wraps(function)
    def with_all_arguments(*arguments: Any, **named: Any) -> Any:
        return function(Step(*arguments, **named))

    with_all_arguments.__signature__ = inspect.signature(exercise.given_stub)  # type: ignore[attr-defined]
    return exercise.mistake(with_all_arguments)


@mistake
def no_correction(at: Step) -> Any:
    """Neither average is corrected.

    Why: It makes no difference after some thousand steps.
    Hint: How large is mean after the first step, if the gradient is 1?
    """
    return at.ended(at.new_mean, at.new_square, 1.0, 1.0)


@mistake
def mean_alone_corrected(at: Step) -> Any:
    """The average of the squares is not corrected.

    Why: One of the two lines is forgotten.
    Hint: Which averages begin at 0?
    """
    return at.ended(at.new_mean, at.new_square, at.corrections[0], 1.0)


@mistake
def square_alone_corrected(at: Step) -> Any:
    """The average of the gradients is not corrected.

    Why: One of the two lines is forgotten.
    Hint: Which averages begin at 0?
    """
    return at.ended(at.new_mean, at.new_square, 1.0, at.corrections[1])


@mistake
def correction_of_the_first_step(at: Step) -> Any:
    """The corrections are 1 - beta1 and 1 - beta2 in every step: the power is missing.

    Why: In the first step that is right.
    Hint: How much of the gradient does mean hold after 1,000 steps?
    """
    return at.ended(at.new_mean, at.new_square, 1 - at.beta1, 1 - at.beta2)


@mistake
def steps_from_zero(at: Step) -> Any:
    """The number of the step is counted from 1 and used as if from 0: one is added.

    Why: Loops count from 0, and step + 1 is typed from habit.
    Hint: Which power does the first step have by the rule?
    """
    return replace(at, step=at.step + 1).right()


@mistake
def corrected_averages_kept(at: Step) -> Any:
    """The corrected averages are returned and go into the next step.

    Why: The corrected ones are written into the same names.
    Hint: What would the next step correct again?
    """
    value, mean, square = at.right()
    return value, mean / at.corrections[0], square / at.corrections[1]


@mistake
def eps_in_the_root(at: Step) -> Any:
    """eps is added under the root.

    Why: Other optimizers and the norms have it there.
    Hint: How large is the root of eps?
    """
    of_mean, of_square = at.corrections
    update = at.new_mean / of_mean / np.sqrt(at.new_square / of_square + at.eps)
    return at.moved(update), at.new_mean, at.new_square


@mistake
def eps_before_the_correction(at: Step) -> Any:
    """eps is added to the root of the average as it is kept, and the correction comes behind.

    Why: The short form of the paper, in which eps has another size, is used with the eps of the long form.
    Hint: In the first step: which of the two is divided by sqrt(1 - beta2), the root or the root and eps?
    """
    of_mean, of_square = at.corrections
    update = at.new_mean / of_mean / ((np.sqrt(at.new_square) + at.eps) / np.sqrt(of_square))
    return at.moved(update), at.new_mean, at.new_square


@mistake
def eps_left_out(at: Step) -> Any:
    """eps is not used: a gradient of 0 gives NaN.

    Why: It is so small.
    Hint: What is 0 / 0?
    """
    return replace(at, eps=0.0).right()


@mistake
def square_of_the_mean(at: Step) -> Any:
    """The square of the average gradient goes into `square`, not the square of the gradient.

    Why: mean is at hand, and is an average gradient too.
    Hint: Gradients 1 and -1 in turn: how large is each of the two?
    """
    return at.ended(at.new_mean, at.beta2 * at.square + (1 - at.beta2) * at.new_mean**2, *at.corrections)


@mistake
def root_missing(at: Step) -> Any:
    """The step is divided by the average of the squares, without its root.

    Why: The root is forgotten.
    Hint: The loss is multiplied by 10. Should the step change?
    """
    of_mean, of_square = at.corrections
    return at.moved(at.new_mean / of_mean / (at.new_square / of_square + at.eps)), at.new_mean, at.new_square


@mistake
def betas_exchanged(at: Step) -> Any:
    """beta1 and beta2 are exchanged.

    Why: Two numbers near 1.
    Hint: Which of the two averages remembers longer?
    """
    return replace(at, beta1=at.beta2, beta2=at.beta1).right()


@mistake
def sums_for_averages(at: Step) -> Any:
    """The new gradient is added with the factor 1, not 1 - beta1.

    Why: Momentum is often written so.
    Hint: The gradient is 1 for ever. What does mean tend to?
    """
    return at.ended(at.beta1 * at.mean + at.slope, at.new_square, *at.corrections)


@mistake
def old_averages(at: Step) -> Any:
    """The step uses the averages from before this gradient.

    Why: They are brought up to date behind the update.
    Hint: By how much does the first step move?
    """
    of_mean, of_square = at.corrections
    update = at.mean / of_mean / (np.sqrt(at.square / of_square) + at.eps)
    return at.moved(update), at.new_mean, at.new_square


@mistake
def uphill(at: Step) -> Any:
    """The step is added, not subtracted.

    Why: The sign is forgotten.
    Hint: Should the loss rise or fall?
    """
    of_mean, of_square = at.corrections
    update = at.new_mean / of_mean / (np.sqrt(at.new_square / of_square) + at.eps)
    return at.moved(-update), at.new_mean, at.new_square


@mistake
def decay_always_in_the_gradient(at: Step) -> Any:
    """decay * value is added to the gradient, decoupled or not.

    Why: That is weight decay for plain gradient descent, where both are the same.
    Hint: By what is this part divided, and is that so in AdamW?
    """
    return replace(at, decoupled=False).right()


@mistake
def decay_always_decoupled(at: Step) -> Any:
    """The decay is decoupled, asked for or not.

    Why: The flag is not read.
    Hint: Call it with decoupled=False.
    """
    return replace(at, decoupled=True).right()


@mistake
def decay_left_out(at: Step) -> Any:
    """There is no decay.

    Why: It is 0 in the first tests.
    Hint: Call it with decay=0.5.
    """
    return replace(at, decay=0.0).right()


@mistake
def decay_without_the_rate(at: Step) -> Any:
    """The decoupled decay is not multiplied by the rate.

    Why: decay is a rate itself, so it seems; in the paper it has a schedule factor of its own.
    Hint: How much does value shrink in a step with rate 0, by the rule?
    """
    value, mean, square = replace(at, decay=0.0).right() if at.decoupled else at.right()
    return value - at.decoupled * at.decay * at.value, mean, square


@mistake
def decay_of_the_new_value(at: Step) -> Any:
    """The decoupled decay shrinks the value that Adam's step has moved already.

    Why: It stands in a line behind the step.
    Hint: From which value are both parts taken by the rule?
    """
    if not at.decoupled:
        return at.right()
    value, mean, square = replace(at, decay=0.0).right()
    return value * (1 - at.rate * at.decay), mean, square


@mistake
def decay_in_one_average(at: Step) -> Any:
    """With decoupled=False decay * value goes into mean and not into square.

    Why: square is made from the gradient that came in.
    Hint: For which averages is it added by the rule?
    """
    return at.ended(at.new_mean, at.beta2 * at.square + (1 - at.beta2) * at.grad**2, *at.corrections)
