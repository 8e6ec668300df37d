"""What people write in the place of the schedule."""

from __future__ import annotations

from typing import Any

from lessons.training.lr_schedule.exercises.noam import exercise, solution


@exercise.mistake
def larger_for_smaller(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The larger of the two branches is taken.

    Why: The top is thought of, and max is written.
    Hint: Which of the two is smaller at step 1?
    """
    return factor * d_model**-0.5 * max(step**-0.5, step * warmup**-1.5)


@exercise.mistake
def flat_at_first(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The rate is flat until warmup: 1 / sqrt(max(step, warmup)).

    Why: That is the schedule of T5, which is often given as this one.
    Hint: Is the rate of step 1 near 0, or is it the top already?
    """
    return factor * d_model**-0.5 * max(step, warmup) ** -0.5


@exercise.mistake
def never_falls(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """Behind the top the rate stays where it is.

    Why: Warm-up is remembered, the fall is not.
    Hint: What is the rate at step 4 * warmup?
    """
    return solution(min(step, warmup), d_model, warmup, factor)


@exercise.mistake
def no_warm_up(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The rate falls from the first step on.

    Why: Only one of the two branches is written.
    Hint: Where is the rate highest?
    """
    return factor * d_model**-0.5 * step**-0.5


@exercise.mistake
def only_the_line(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The rate rises for ever.

    Why: Only one of the two branches is written.
    Hint: What is the rate at step 4 * warmup?
    """
    return factor * d_model**-0.5 * step * warmup**-1.5


@exercise.mistake
def falls_as_the_step(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """Behind the top the rate falls as 1 / step, not as 1 / sqrt(step).

    Why: A root is forgotten.
    Hint: At step 4 * warmup: is the rate a half or a quarter of the top?
    """
    rate = solution(step, d_model, warmup, factor)
    return rate if step <= warmup else rate * (warmup / step) ** 0.5


@exercise.mistake
def rises_as_a_root(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """Before the top the rate rises as sqrt(step).

    Why: Both branches are given the same power.
    Hint: At a quarter of the warm-up: is the rate a quarter or a half of the top?
    """
    rate = solution(step, d_model, warmup, factor)
    return rate if step >= warmup else rate * (warmup / step) ** 0.5


@exercise.mistake
def warmup_to_the_half(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The exponent of warmup is -0.5.

    Why: All other exponents are.
    Hint: Do the two branches meet at step = warmup?
    """
    return factor * d_model**-0.5 * min(step**-0.5, step * warmup**-0.5)


@exercise.mistake
def warmup_to_the_one(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The exponent of warmup is -1.

    Why: step / warmup is how much of the warm-up is over.
    Hint: Do the two branches meet at step = warmup?
    """
    return factor * d_model**-0.5 * min(step**-0.5, step / warmup)


@exercise.mistake
def width_left_out(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The width is not used.

    Why: It stands in front of the minimum, and is overlooked.
    Hint: Which rate has a model that is four times as wide?
    """
    return factor * min(step**-0.5, step * warmup**-1.5)


@exercise.mistake
def times_the_root_of_the_width(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The rate is multiplied by sqrt(d_model).

    Why: Embeddings are, in the same paper.
    Hint: Does a wider model get a larger rate, or a smaller one?
    """
    return factor * d_model**0.5 * min(step**-0.5, step * warmup**-1.5)


@exercise.mistake
def divided_by_the_width(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The rate is divided by d_model, not by its root.

    Why: A root is forgotten.
    Hint: Which rate has a model that is four times as wide?
    """
    return factor / d_model * min(step**-0.5, step * warmup**-1.5)


@exercise.mistake
def factor_left_out(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The factor is not used.

    Why: The paper has none.
    Hint: Call it with factor=2.
    """
    return solution(step, d_model, warmup, 1.0)


@exercise.mistake
def warmup_fixed(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """The warm-up has 4000 steps, whatever is asked for.

    Why: The number is typed into the formula.
    Hint: Call it with warmup=10.
    """
    return solution(step, d_model, 4000, factor)


@exercise.mistake
def counted_from_zero(step: int, d_model: int, warmup: int = 4000, factor: float = 1.0) -> Any:
    """One is added to the step.

    Why: Loops count from 0.
    Hint: What is the rate of step = warmup?
    """
    return solution(step + 1, d_model, warmup, factor)
