"""What people write in the place of the step to a GPT: shift and loss.  What goes wrong on the way to the logits is in
gpt_step_model_mistakes.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.architectures.gpt.exercises.gpt_step import exercise
from lessons.architectures.gpt.exercises.gpt_step_model_mistakes import (
    block,
    counted_of,
    log_softmax,
    logits_of,
    loss_of,
    mean_of,
    norm,
)


def losses_of(logits: Any, asked: Any) -> Any:
    return -np.take_along_axis(log_softmax(logits), asked[..., None], axis=-1)[..., 0]


@exercise.mistake
def not_shifted(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """A place is asked for the token it reads.

    Why: Inputs and targets are one text.
    Hint: What does place 1 have to know for a loss of 0?
    """
    logits = logits_of(ids, table, positions, w, n_heads)
    return mean_of(losses_of(logits, ids[:, :-1]), counted_of(ids, keep)), logits


@exercise.mistake
def shifted_twice(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """A place is asked for the token after the next.

    Why: The targets are shifted already, and the loss shifts them once more.
    Hint: Write down which token place 1 reads, and which it is asked for.
    """
    logits = logits_of(ids, table, positions, w, n_heads)
    return mean_of(losses_of(logits[:, :-1], ids[:, 2:]), counted_of(ids, keep)[:, 1:]), logits


@exercise.mistake
def shifted_the_other_way(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """A place is asked for the token before it.

    Why: The slices of logits and targets are exchanged.
    Hint: Write down which token place 2 reads, and which it is asked for.
    """
    logits = logits_of(ids, table, positions, w, n_heads)
    return mean_of(losses_of(logits[:, 1:], ids[:, :-2]), counted_of(ids, keep)[:, 1:]), logits


@exercise.mistake
def shifted_in_a_ring(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The last place is asked for the first token.

    Why: np.roll shifts what is read, and puts at the end what falls off in front.
    Hint: Which token is the last place asked for?
    """
    logits = logits_of(ids, table, positions, w, n_heads)
    return mean_of(losses_of(logits, np.roll(ids[:, :-1], -1, axis=1)), counted_of(ids, keep)), logits


@exercise.mistake
def everything_is_read(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """All T + 1 tokens are read, and logits are returned for all of them.

    Why: The last place is left out of the loss, and so it seems to be gone.
    Hint: How many places are asked for something?
    """
    x = block(table[ids] + positions[: ids.shape[1]], w, n_heads)
    logits = norm(x, w, "") @ table.T
    return mean_of(losses_of(logits[:, :-1], ids[:, 1:]), counted_of(ids, keep)), logits


@exercise.mistake
def last_place_alone(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Only the last place of a text is asked.

    Why: In use one token is predicted at a time.
    Hint: How many questions does one pass answer under a causal mask?
    """
    logits = logits_of(ids, table, positions, w, n_heads)
    counted = counted_of(ids, keep)
    last = counted & (np.cumsum(counted, axis=1) == counted.sum(axis=1, keepdims=True))
    return mean_of(losses_of(logits, ids[:, 1:]), last), logits


@exercise.mistake
def summed(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The loss is the sum over places, not the mean.

    Why: The log of a product is a sum.
    Hint: Give a text twice. Should the loss grow?
    """
    loss, logits = loss_of(ids, table, positions, w, n_heads, keep)
    return loss * counted_of(ids, keep).sum(), logits


@exercise.mistake
def divided_by_texts(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The sum is divided by the number of texts, not of places.

    Why: Losses are averaged over a batch, and a batch is counted in texts.
    Hint: How many questions does one text ask?
    """
    loss, logits = loss_of(ids, table, positions, w, n_heads, keep)
    return loss * counted_of(ids, keep).sum() / len(ids), logits


@exercise.mistake
def mean_of_means(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Every text is averaged by itself, and these means are averaged.

    Why: For texts of the same length that is the same.
    Hint: Does a token of a short text count as much as one of a long text?
    """
    logits, counted = logits_of(ids, table, positions, w, n_heads), counted_of(ids, keep)
    losses = losses_of(logits, ids[:, 1:])
    each = [mean_of(one, which) for one, which in zip(losses, counted, strict=True)]
    return float(np.mean(each)), logits


@exercise.mistake
def padding_counts(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """keep is not used.

    Why: The first tests have none.
    Hint: Change a token of padding. Does the loss move?
    """
    return loss_of(ids, table, positions, w, n_heads, None)


@exercise.mistake
def padding_counts_below(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Padding is left out of the sum, and not out of the number it is divided by.

    Why: The losses are multiplied by keep, and averaged.
    Hint: By how many places is the sum divided?
    """
    loss, logits = loss_of(ids, table, positions, w, n_heads, keep)
    return loss * counted_of(ids, keep).mean(), logits


@exercise.mistake
def keep_not_shifted(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """A place counts where what it reads is no padding, not where what it is asked for is none.

    Why: keep is cut as the tokens are that are read.
    Hint: What is the last token of a text asked for?
    """
    logits = logits_of(ids, table, positions, w, n_heads)
    counted = counted_of(ids, keep) if keep is None else keep[:, :-1]
    return mean_of(losses_of(logits, ids[:, 1:]), counted), logits


@exercise.mistake
def keep_the_other_way_round(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """keep is read the other way round: what is padding counts.

    Why: In some libraries True means padding.
    Hint: Change a token of padding. Does the loss move?
    """
    return loss_of(ids, table, positions, w, n_heads, None if keep is None else ~keep)


@exercise.mistake
def nothing_counts_nan(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Where no place counts the loss is NaN.

    Why: 0 is divided by 0.
    Hint: What do the rules say where no place counts?
    """
    loss, logits = loss_of(ids, table, positions, w, n_heads, keep)
    return loss if counted_of(ids, keep).any() else float("nan"), logits


@exercise.mistake
def in_bits(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The loss is in bits: log2.

    Why: Entropy is taught in bits.
    Hint: Which logarithm do the rules name?
    """
    loss, logits = loss_of(ids, table, positions, w, n_heads, keep)
    return loss / np.log(2), logits


@exercise.mistake
def minus_missing(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The minus is missing: the loss is below 0.

    Why: log p is what is looked up.
    Hint: Should the loss be 0 for a sure and right model, and above 0 for all others?
    """
    loss, logits = loss_of(ids, table, positions, w, n_heads, keep)
    return -loss, logits


@exercise.mistake
def score_for_log_p(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The loss is the mean of minus the score asked for: the softmax is missing.

    Why: The scores are looked up before they are turned into log p.
    Hint: Add 5 to all scores of a place. Should the loss move?
    """
    logits = logits_of(ids, table, positions, w, n_heads)
    given = -np.take_along_axis(logits, ids[:, 1:, None], axis=-1)[..., 0]
    return mean_of(given, counted_of(ids, keep)), logits


@exercise.mistake
def maximum_not_subtracted(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """exp of the logits, as they are: it overflows for large ones.

    Why: The formula has no maximum in it.
    Hint: What is the largest number whose exponential still fits into float64?
    """
    logits = logits_of(ids, table, positions, w, n_heads)
    with np.errstate(all="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        losses = -np.log(np.take_along_axis(p, ids[:, 1:, None], axis=-1)[..., 0])
    return mean_of(losses, counted_of(ids, keep)), logits


@exercise.mistake
def probabilities_returned(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The loss is right, and probabilities are returned in the place of logits.

    Why: Both have the shape (B, T, V).
    Hint: What do the rows of what you return sum to?
    """
    loss, logits = loss_of(ids, table, positions, w, n_heads, keep)
    return loss, np.exp(log_softmax(logits))
