"""What people write in the place of drawing a token."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.generating.sampling.exercises.draw_token import exercise, softmax


def found(p: Any, u: Any) -> Any:
    """The first id up to which p sums to more than u; V - 1 where none does."""
    sums = np.cumsum(p, axis=-1)
    return np.minimum((sums <= u[..., None]).sum(axis=-1), p.shape[-1] - 1)


def drawn(logits: Any, u: Any, temperature: float) -> Any:
    return logits.argmax(axis=-1) if temperature == 0 else found(softmax(logits / temperature), u)


@exercise.mistake
def always_the_likeliest(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """The likeliest token is taken, whatever u is.

    Why: argmax is how a class is chosen.
    Hint: How often should a token of probability 0.1 come?
    """
    return logits.argmax(axis=-1)


@exercise.mistake
def temperature_not_used(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """The temperature is not used, but for 0.

    Why: It is 1 in the first tests.
    Hint: Draw often with temperature=0.01. Do rare tokens come?
    """
    return drawn(logits, u, 1.0 if temperature else 0.0)


@exercise.mistake
def multiplied_by_the_temperature(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """Logits are multiplied by the temperature.

    Why: A higher temperature sounds like more.
    Hint: A high temperature: is the distribution flat then, or sharp?
    """
    return found(softmax(logits * temperature), u) if temperature else logits.argmax(axis=-1)


@exercise.mistake
def probabilities_divided(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """The probabilities are divided by the temperature, behind softmax.

    Why: The division stands a line too late.
    Hint: What do the probabilities sum to then?
    """
    return found(softmax(logits) / temperature, u) if temperature else logits.argmax(axis=-1)


@exercise.mistake
def temperature_squared(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """Logits are divided by the temperature twice.

    Why: Once outside, and once more in the softmax.
    Hint: Logits 2 and 1 at temperature 0.5: how many times as likely is the first?
    """
    return drawn(logits, u, temperature**2)


@exercise.mistake
def likeliest_first(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """The running sums go from the likeliest token to the rarest.

    Why: So it is done in top-p.
    Hint: Read the rule again: in which order are the ids?
    """
    if temperature == 0:
        return logits.argmax(axis=-1)
    ids = np.argsort(-logits, axis=-1, kind="stable")
    place = found(np.take_along_axis(softmax(logits / temperature), ids, axis=-1), u)
    return np.take_along_axis(ids, place[..., None], axis=-1)[..., 0]


@exercise.mistake
def place_among_the_sorted(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """Probabilities are sorted, and the place in this order is returned as the id.

    Why: The way back from places to ids is forgotten.
    Hint: Which token is number 0 after sorting?
    """
    if temperature == 0:
        return logits.argmax(axis=-1)
    return found(-np.sort(-softmax(logits / temperature), axis=-1), u)


@exercise.mistake
def last_below(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """The last token whose sum is at most u is taken, one too early.

    Why: The search ends before the piece in which u lies.
    Hint: u is 0.99, and the last token has 0.5. Which one is drawn?
    """
    return np.maximum(drawn(logits, u, temperature) - (1 if temperature else 0), 0)


@exercise.mistake
def at_least_u(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """The first token is taken whose sum is at least u: with u = 0 one of probability 0.

    Why: side='left' is what searchsorted does unless told.
    Hint: The first token is ruled out, and u is 0. May it be drawn?
    """
    if temperature == 0:
        return logits.argmax(axis=-1)
    sums = np.cumsum(softmax(logits / temperature), axis=-1)
    return (sums < u[..., None]).sum(axis=-1)


@exercise.mistake
def from_the_end(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """u is measured from the other end: 1 - u.

    Why: The running sums are made backwards.
    Hint: u is near 0. Which token is that?
    """
    return drawn(logits, 1 - u, temperature)


@exercise.mistake
def one_u_for_all(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """The first number of u serves all rows.

    Why: One random number is drawn in front of the loop.
    Hint: Two equal rows with different u: may they give different tokens?
    """
    return drawn(logits, np.full(u.shape, u.flat[0]), temperature)


@exercise.mistake
def all_rows_as_one(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """Softmax runs over all rows together.

    Why: sum() is written without an axis.
    Hint: What do the probabilities of a row sum to?
    """
    if temperature == 0:
        return logits.argmax(axis=-1)
    return found(softmax(logits.reshape(-1) / temperature).reshape(logits.shape), u)


@exercise.mistake
def along_the_first_axis(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """The running sums go down the rows.

    Why: cumsum(axis=0) is written.
    Hint: What is the last running sum of a row?
    """
    if temperature == 0:
        return logits.argmax(axis=-1)
    sums = np.cumsum(softmax(logits / temperature), axis=0)
    return np.minimum((sums <= u[..., None]).sum(axis=-1), logits.shape[-1] - 1)


@exercise.mistake
def no_maximum(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """exp overflows: the largest logit is not subtracted.

    Why: On small logits the code gives the same.
    Hint: What is exp(9000)?
    """
    if temperature == 0:
        return logits.argmax(axis=-1)
    e = np.exp(logits / temperature)
    return found(e / e.sum(axis=-1, keepdims=True), u)


@exercise.mistake
def zero_is_not_special(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """Temperature 0 is a division by 0, and the first token comes out.

    Why: It is no number to divide by, and no test asks.
    Hint: Call it with temperature=0.
    """
    return found(softmax(logits / temperature), u) if temperature else np.zeros(u.shape, int)


@exercise.mistake
def last_of_equal_ones(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """At temperature 0 the last of equal logits is taken.

    Why: An upward sort is read from its end.
    Hint: Two logits are the largest. Which id does the rule ask for?
    """
    if temperature == 0:
        return logits.shape[-1] - 1 - logits[..., ::-1].argmax(axis=-1)
    return drawn(logits, u, temperature)


@exercise.mistake
def tiny_temperature(logits: Any, u: Any, temperature: float = 1.0) -> Any:
    """Temperature 0 becomes a tiny one, and equal logits share the chance.

    Why: max(temperature, 1e-6) avoids the division by 0.
    Hint: Two logits are the largest, and u is 0.9. Which id does the rule ask for?
    """
    return drawn(logits, u, max(temperature, 1e-6))
