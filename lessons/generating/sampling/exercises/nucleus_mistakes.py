"""What people write in the place of top-p."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lessons.generating.sampling.exercises.nucleus import exercise, softmax
from tfx.generate.shaping import top_p as right


def sorted_down(logits: Any) -> tuple[Any, Any]:
    """Ids and probabilities, the likeliest first; of equal ones the lower id."""
    ids = np.argsort(-logits, axis=-1, kind="stable")
    return ids, np.take_along_axis(softmax(logits), ids, axis=-1)


def put_back(logits: Any, ids: Any, stays_in_order: Any) -> Any:
    stays = np.zeros(logits.shape, bool)
    np.put_along_axis(stays, ids, stays_in_order, axis=-1)
    return np.where(stays, logits, -np.inf)


def by_rule(logits: Any, p: float, rule: Callable[[Any, Any], Any]) -> Any:
    """rule: of the sum up to a token and its own probability, in order; p = 1 keeps all."""
    ids, in_order = sorted_down(logits)
    return put_back(logits, ids, rule(np.cumsum(in_order, axis=-1), in_order) | (p == 1))


@exercise.mistake
def without_the_one_that_reaches_p(logits: Any, p: float) -> Any:
    """Tokens stay as long as the sum, their own probability included, is at most p.

    Why: cumsum <= p is the first thing one writes.
    Hint: What stays if the first token alone has more than p?
    """
    return by_rule(logits, p, lambda up_to, own: up_to <= p)


@exercise.mistake
def that_and_always_the_first(logits: Any, p: float) -> Any:
    """The one that reaches p is left out, and the first one is put back in.

    Why: An empty set is noticed, and mended for itself.
    Hint: Do the tokens that stay have at least p together?
    """
    return by_rule(logits, p, lambda up_to, own: (up_to <= p) | (np.arange(up_to.shape[-1]) == 0))


@exercise.mistake
def one_too_many(logits: Any, p: float) -> Any:
    """The one after the one that reaches p stays, too.

    Why: The mask is moved by one place, though the sum was taken before the token already.
    Hint: Do the tokens that stay have p together without the last of them?
    """
    ids, in_order = sorted_down(logits)
    before = np.cumsum(in_order, axis=-1) - in_order < p
    before[..., 1:] |= before[..., :-1].copy()
    return put_back(logits, ids, before | (p == 1))


@exercise.mistake
def order_not_undone(logits: Any, p: float) -> Any:
    """The mask is made in sorted order and put on the logits as they stand.

    Why: Both have the same shape.
    Hint: To which token does the first place of the sorted row belong?
    """
    _, in_order = sorted_down(logits)
    return np.where((np.cumsum(in_order, axis=-1) - in_order < p) | (p == 1), logits, -np.inf)


@exercise.mistake
def not_sorted(logits: Any, p: float) -> Any:
    """The sum runs over the ids as they stand.

    Why: In the example of the book the row is in order.
    Hint: Does the likeliest token stay if it has the last id?
    """
    own = softmax(logits)
    return np.where((np.cumsum(own, axis=-1) - own < p) | (p == 1), logits, -np.inf)


@exercise.mistake
def from_the_rarest_up(logits: Any, p: float) -> Any:
    """The order is upwards: the rarest tokens stay.

    Why: argsort sorts upwards.
    Hint: Does the likeliest token stay?
    """
    ids = np.argsort(logits, axis=-1, kind="stable")
    in_order = np.take_along_axis(softmax(logits), ids, axis=-1)
    return put_back(logits, ids, (np.cumsum(in_order, axis=-1) - in_order < p) | (p == 1))


@exercise.mistake
def p_as_a_bound(logits: Any, p: float) -> Any:
    """Tokens stay whose own probability is at least p.

    Why: top-p is read as a bound for each token.
    Hint: What stays of five tokens with 0.2 each, for p = 0.5?
    """
    return np.where((softmax(logits) >= p) | (p == 1), logits, -np.inf)


@exercise.mistake
def share_of_the_likeliest(logits: Any, p: float) -> Any:
    """Tokens stay that have at least p times the probability of the likeliest.

    Why: That is min-p, a filter with a similar name.
    Hint: What has to be p: a sum, or a quotient?
    """
    own = softmax(logits)
    return np.where((own >= p * own.max(axis=-1, keepdims=True)) | (p == 1), logits, -np.inf)


@exercise.mistake
def equal_ones_stay(logits: Any, p: float) -> Any:
    """All tokens stay that are as likely as the one that reaches p.

    Why: The bound is turned into a probability and compared with all.
    Hint: Five tokens have 0.2 each. How many are needed for 0.5?
    """
    kept = right(logits, p)
    least = np.where(np.isneginf(kept), np.inf, kept).min(axis=-1, keepdims=True)
    return np.where(logits >= least, logits, -np.inf)


@exercise.mistake
def higher_id_first(logits: Any, p: float) -> Any:
    """Of equal tokens the one with the higher id comes first.

    Why: The row is sorted upwards and then turned around.
    Hint: Which of two equal tokens comes first in a list that was sorted upwards and reversed?
    """
    return right(logits[..., ::-1], p)[..., ::-1].copy()


@exercise.mistake
def zero_for_minus_infinity(logits: Any, p: float) -> Any:
    """What is ruled out gets 0, not -inf.

    Why: A probability of 0 is meant, and these are logits.
    Hint: What is exp(0)?
    """
    return np.where(np.isneginf(right(logits, p)), 0.0, logits)


@exercise.mistake
def probabilities(logits: Any, p: float) -> Any:
    """Probabilities of the tokens that stay come back, shared out anew, not logits.

    Why: They are what is drawn from in the end.
    Hint: Read the rule again: what does a token that stays keep?
    """
    return softmax(right(logits, p))


@exercise.mistake
def over_all_rows(logits: Any, p: float) -> Any:
    """One softmax and one order for all rows together.

    Why: The function was written for one text, and the array is flattened for it.
    Hint: Does each row keep at least one token?
    """
    return right(logits.reshape(1, -1), p).reshape(logits.shape)


@exercise.mistake
def no_maximum(logits: Any, p: float) -> Any:
    """exp overflows: the largest logit is not subtracted.

    Why: On small logits the code gives the same numbers.
    Hint: What is exp(9000)?
    """
    ids = np.argsort(-logits, axis=-1, kind="stable")
    e = np.exp(np.take_along_axis(logits, ids, axis=-1))
    in_order = e / e.sum(axis=-1, keepdims=True)
    return put_back(logits, ids, (np.cumsum(in_order, axis=-1) - in_order < p) | (p == 1))


@exercise.mistake
def rare_ones_lost_at_one(logits: Any, p: float) -> Any:
    """With p = 1 tokens are lost whose probability is below the rounding of the sum.

    Why: A sum of less than 1 on paper is 1 in floats.
    Hint: What is 1 - 1e-20 in float64, and is it less than 1?
    """
    ids, in_order = sorted_down(logits)
    return put_back(logits, ids, np.cumsum(in_order, axis=-1) - in_order < p)


@exercise.mistake
def p_not_used_as_one_minus_p(logits: Any, p: float) -> Any:
    """Sorted upwards, tokens are dropped until they have p together, where 1 - p is meant.

    Why: The code of a library, which sorts upwards and compares with 1 - p, is written down from memory.
    Hint: How much probability may be dropped at most?
    """
    ids = np.argsort(logits, axis=-1, kind="stable")
    in_order = np.take_along_axis(softmax(logits), ids, axis=-1)
    stays = np.cumsum(in_order, axis=-1) > p
    stays[..., -1] = True
    return put_back(logits, ids, stays | (p == 1))
