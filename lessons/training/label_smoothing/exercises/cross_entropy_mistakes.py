"""What people write in the place of cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.training.label_smoothing.exercises.cross_entropy import exercise, log_softmax


def token_losses(logits: Any, targets: Any, smoothing: float) -> Any:
    log_p = log_softmax(logits)
    right = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
    return -(1 - smoothing) * right - smoothing * log_p.mean(axis=-1)


def mean_of(losses: Any, keep: Any) -> Any:
    counted = np.ones(losses.shape, bool) if keep is None else keep
    return losses[counted].sum() / max(counted.sum(), 1)


@exercise.mistake
def smoothing_left_out(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Smoothing is not used.

    Why: The first tests have none.
    Hint: Call it with smoothing=0.5.
    """
    return mean_of(token_losses(logits, targets, 0.0), keep)


@exercise.mistake
def dealt_to_the_wrong_classes(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Smoothing is dealt to the V - 1 wrong classes alone.

    Why: The right class has given it away, so it gets nothing back.
    Hint: Read the rule again: who gets a share?
    """
    log_p, v = log_softmax(logits), logits.shape[-1]
    target = np.where(np.eye(v, dtype=bool)[targets], 1 - smoothing, smoothing / (v - 1))
    return mean_of(-(target * log_p).sum(-1), keep)


@exercise.mistake
def target_above_one(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The right class keeps 1, and smoothing is added on top.

    Why: The share is added to a one-hot target, and not taken from it.
    Hint: What does a target sum to?
    """
    log_p, v = log_softmax(logits), logits.shape[-1]
    return mean_of(-((np.eye(v)[targets] + smoothing / v) * log_p).sum(-1), keep)


@exercise.mistake
def each_class_gets_all(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Every class gets the whole smoothing, not its V-th part.

    Why: The division by V is forgotten.
    Hint: What does a target sum to?
    """
    log_p, v = log_softmax(logits), logits.shape[-1]
    return mean_of(-(((1 - smoothing) * np.eye(v)[targets] + smoothing) * log_p).sum(-1), keep)


@exercise.mistake
def padding_counted(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Tokens that do not count are counted.

    Why: keep is not used.
    Hint: Change the logits of a token that does not count. Does the loss move?
    See: padding
    """
    return mean_of(token_losses(logits, targets, smoothing), None)


@exercise.mistake
def divided_by_all_tokens(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The sum leaves padding out, the number of tokens does not.

    Why: Masked losses are set to 0, and then mean() is called.
    Hint: Add ten padded tokens. Should the loss change?
    See: padding
    """
    losses = token_losses(logits, targets, smoothing)
    return (losses if keep is None else np.where(keep, losses, 0.0)).mean()


@exercise.mistake
def mean_of_the_means(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Each text is averaged, and then the texts: tokens of short texts count more.

    Why: A batch is thought of as a list of texts.
    Hint: Does every token that counts count alike?
    See: padding
    """
    losses = token_losses(logits, targets, smoothing)
    counted = np.ones(losses.shape, bool) if keep is None else keep
    if losses.ndim < 2:
        return mean_of(losses, keep)
    texts = [mean_of(one, some) for one, some in zip(losses, counted, strict=True) if some.any()]
    return sum(texts) / max(len(texts), 1)


@exercise.mistake
def smoothing_of_padding_counted(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Padding is left out of the part of the right class, and not of the smoothed part.

    Why: The two parts are computed apart, and the mask is put on one of them.
    Hint: Change the logits of a token that does not count. Does the loss move?
    See: padding
    """
    log_p = log_softmax(logits)
    right = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
    counted = np.ones(targets.shape, bool) if keep is None else keep
    return (-(1 - smoothing) * (right * counted).sum() - smoothing * log_p.mean(-1).sum()) / max(counted.sum(), 1)


@exercise.mistake
def sum_for_mean(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The sum over the tokens, not their mean.

    Why: The chance of a text is a product, so its log is a sum.
    Hint: Should a longer text have a larger loss?
    """
    losses = token_losses(logits, targets, smoothing)
    return losses.sum() if keep is None else losses[keep].sum()


@exercise.mistake
def sign_missing(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The minus is missing.

    Why: log p is what is computed, and the loss is thought of afterwards.
    Hint: Can a loss of this kind be below 0?
    """
    return -mean_of(token_losses(logits, targets, smoothing), keep)


@exercise.mistake
def in_bits(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The logarithm has the base 2.

    Why: Information is measured in bits.
    Hint: In which unit does the rule ask for the loss?
    """
    return mean_of(token_losses(logits, targets, smoothing), keep) / np.log(2)


@exercise.mistake
def log_of_a_softmax(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The logarithm is taken of probabilities, which may have become 0.

    Why: softmax is written already, so log is put around it.
    Hint: What is log(exp(-3000))?
    """
    shifted = logits - logits.max(-1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(-1, keepdims=True)
    with np.errstate(all="ignore"):
        log_p = np.log(p)
        right = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
        return mean_of(-(1 - smoothing) * right - (smoothing * log_p.mean(-1) if smoothing else 0.0), keep)


@exercise.mistake
def clipped(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Probabilities are clipped from below before the logarithm.

    Why: log(0) has to be avoided, and 1e-12 does it.
    Hint: How large can the loss of a token be, if the model is quite sure and wrong?
    """
    log_p = np.log(np.clip(np.exp(log_softmax(logits)), 1e-12, 1.0))
    right = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
    return mean_of(-(1 - smoothing) * right - smoothing * log_p.mean(-1), keep)


@exercise.mistake
def no_maximum(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """exp overflows: the largest logit is not subtracted.

    Why: On small logits the code gives the same numbers.
    Hint: What is exp(1000)?
    """
    with np.errstate(all="ignore"):
        log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        right = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
        return mean_of(-(1 - smoothing) * right - (smoothing * log_p.mean(-1) if smoothing else 0.0), keep)
