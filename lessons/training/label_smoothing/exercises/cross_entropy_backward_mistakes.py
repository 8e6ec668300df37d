"""What people write in the place of the backward of cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.training.label_smoothing.exercises.cross_entropy_backward import exercise


def counted_in(targets: Any, keep: Any) -> Any:
    return np.ones(targets.shape, bool) if keep is None else keep


def softmax(logits: Any, axis: int = -1) -> Any:
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def hit(logits: Any, targets: Any, keep: Any = None) -> Any:
    """1 for the right class, (..., V)."""
    return np.eye(logits.shape[-1])[np.where(counted_in(targets, keep), targets, 0)]


def smoothed(logits: Any, targets: Any, smoothing: float, keep: Any) -> Any:
    return (1 - smoothing) * hit(logits, targets, keep) + smoothing / logits.shape[-1]


def difference(logits: Any, targets: Any, smoothing: float, keep: Any) -> Any:
    return softmax(logits) - smoothed(logits, targets, smoothing, keep)


def averaged(dloss: float, each: Any, targets: Any, keep: Any) -> Any:
    counted = counted_in(targets, keep)
    return dloss * np.where(counted[..., None], each, 0) / max(counted.sum(), 1)


@exercise.mistake
def mean_not_divided(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The division by the number of tokens is missing.

    Why: p - target is known by heart for one token, and the loss is a mean.
    Hint: Write every token twice: does the gradient of the first one stay?
    """
    each = difference(logits, targets, smoothing, keep)
    return dloss * np.where(counted_in(targets, keep)[..., None], each, 0)


@exercise.mistake
def divided_by_all_tokens(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """It is divided by the number of all tokens, also of those that do not count.

    Why: targets.size is at hand.
    Hint: Add ten padded tokens. Should the gradient of the first one change?
    """
    each = difference(logits, targets, smoothing, keep)
    return dloss * np.where(counted_in(targets, keep)[..., None], each, 0) / targets.size


@exercise.mistake
def divided_by_texts(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """It is divided by the length of the first axis.

    Why: len(logits) is the batch, as long as a text is one row.
    Hint: Over how many losses is the mean of (B, T) tokens?
    """
    each = difference(logits, targets, smoothing, keep)
    return dloss * np.where(counted_in(targets, keep)[..., None], each, 0) / len(logits)


@exercise.mistake
def divided_by_classes_too(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """It is divided by the number of classes as well.

    Why: A mean of all numbers of an array divides by its size.
    Hint: Over what does the loss sum, and over what does it average?
    """
    return averaged(dloss, difference(logits, targets, smoothing, keep), targets, keep) / logits.shape[-1]


@exercise.mistake
def upstream_left_out(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """dloss is not used.

    Why: The loss is the end of the model, so its gradient is 1.
    Hint: Twice the loss: what happens to the gradient?
    """
    return averaged(1.0, difference(logits, targets, smoothing, keep), targets, keep)


@exercise.mistake
def sign_turned(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Target minus prediction: the sign is wrong.

    Why: The minus of the loss is forgotten.
    Hint: A step against the gradient: does the logit of the right class rise?
    """
    return averaged(-dloss, difference(logits, targets, smoothing, keep), targets, keep)


@exercise.mistake
def smoothing_left_out(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Smoothing is not used.

    Why: p - onehot is known by heart.
    Hint: What is the target of the right class with smoothing=0.5?
    """
    return averaged(dloss, difference(logits, targets, 0.0, keep), targets, keep)


@exercise.mistake
def dealt_to_the_wrong_classes(
    dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None
) -> Any:  # fmt: skip
    """Smoothing is dealt to the V - 1 wrong classes alone.

    Why: The right class has given it away, so it gets nothing back.
    Hint: Read the rule again: who gets a share?
    """
    target = np.where(hit(logits, targets, keep) > 0, 1 - smoothing, smoothing / (logits.shape[-1] - 1))
    return averaged(dloss, softmax(logits) - target, targets, keep)


@exercise.mistake
def target_above_one(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The right class keeps 1, and smoothing is added on top.

    Why: The share is added to a one-hot target, and not taken from it.
    Hint: What does the gradient of a token sum to?
    """
    target = hit(logits, targets, keep) + smoothing / logits.shape[-1]
    return averaged(dloss, softmax(logits) - target, targets, keep)


@exercise.mistake
def share_never_dealt(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The right class gives smoothing away, and nobody gets it.

    Why: Only the number at the target is changed: p[target] -= 1 - smoothing.
    Hint: What does the gradient of a token sum to?
    """
    return averaged(dloss, softmax(logits) - (1 - smoothing) * hit(logits, targets, keep), targets, keep)


@exercise.mistake
def each_class_gets_all(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Every class gets the whole smoothing, not its V-th part.

    Why: The division by V is forgotten.
    Hint: What does a target sum to?
    """
    target = (1 - smoothing) * hit(logits, targets, keep) + smoothing
    return averaged(dloss, softmax(logits) - target, targets, keep)


@exercise.mistake
def whole_gradient_shrunk(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The gradient without smoothing is multiplied by 1 - smoothing.

    Why: That is the part of the right class, and the even part is forgotten.
    Hint: All logits equal but for a sure and right one: what pulls it back?
    """
    return averaged((1 - smoothing) * dloss, difference(logits, targets, 0.0, keep), targets, keep)


@exercise.mistake
def padding_counted(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Tokens that do not count get a gradient, and are counted.

    Why: keep is not used.
    Hint: Should the logits of padding move?
    """
    return dloss * difference(logits, targets, smoothing, keep) / targets.size


@exercise.mistake
def padding_gets_a_gradient(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Tokens that do not count get a gradient; the number of tokens is right.

    Why: keep is used where the mean is taken, and not where p - target is.
    Hint: Should the logits of padding move?
    """
    counted = counted_in(targets, keep)
    return dloss * difference(logits, targets, smoothing, keep) / max(counted.sum(), 1)


@exercise.mistake
def padding_without_a_target(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Tokens that do not count lose their target, and keep their prediction.

    Why: The target is multiplied by keep, and p is not.
    Hint: What is the gradient of padding by the rule?
    """
    counted = counted_in(targets, keep)
    target = smoothed(logits, targets, smoothing, keep) * counted[..., None]
    return dloss * (softmax(logits) - target) / max(counted.sum(), 1)


@exercise.mistake
def smoothing_of_padding_counted(
    dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None
) -> Any:  # fmt: skip
    """Padding is left out of the part of the right class, and not of the smoothed part.

    Why: The two parts of the loss are computed apart, and the mask is put on one of them.
    Hint: Call it with smoothing: do the logits of padding move?
    """
    counted = counted_in(targets, keep)
    sure = (1 - smoothing) * np.where(counted[..., None], difference(logits, targets, 0.0, keep), 0)
    even = smoothing * (softmax(logits) - 1 / logits.shape[-1])
    return dloss * (sure + even) / max(counted.sum(), 1)


@exercise.mistake
def prediction_alone(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The target is not taken off: p alone.

    Why: The derivative of the log of the sum is there, and that of the logit itself is not.
    Hint: What does the gradient of a token sum to?
    """
    return averaged(dloss, softmax(logits), targets, keep)


@exercise.mistake
def target_alone(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The prediction is missing: minus the target alone.

    Why: The divisor of the softmax is forgotten.
    Hint: What does the gradient of a token sum to?
    """
    return averaged(dloss, -smoothed(logits, targets, smoothing, keep), targets, keep)


@exercise.mistake
def softmax_once_more(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """p - target is sent through the backward of the softmax once more.

    Why: It is taken for the gradient of the probabilities.
    Hint: p - target: is it the gradient for p or for the logits?
    """
    p, each = softmax(logits), difference(logits, targets, smoothing, keep)
    return averaged(dloss, p * (each - (each * p).sum(axis=-1, keepdims=True)), targets, keep)


@exercise.mistake
def gradient_of_the_log(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """-target / p is returned, the gradient for the probabilities.

    Why: The chain ends one step too early.
    Hint: Is the gradient asked for p or for the logits?
    """
    return averaged(dloss, -smoothed(logits, targets, smoothing, keep) / softmax(logits), targets, keep)


@exercise.mistake
def softmax_over_tokens(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The softmax runs over the tokens, not over the classes.

    Why: axis=0 was right for one column of logits.
    Hint: Sum your probabilities along each axis. Which sums should be 1?
    """
    p = softmax(logits, axis=-2)
    return averaged(dloss, p - smoothed(logits, targets, smoothing, keep), targets, keep)


@exercise.mistake
def no_maximum(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """exp overflows: the largest logit is not subtracted.

    Why: On small logits the code gives the same numbers.
    Hint: What is exp(1000)?
    """
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return averaged(dloss, p - smoothed(logits, targets, smoothing, keep), targets, keep)
