"""What people write in the place of the padding mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.masks.padding.exercises.padding_mask import exercise


def made(real: Any, causal: bool, blank: bool, order: Any = None) -> Any:
    """real: (B, T), or (B, T, T) for pairs.  order: another mask (T, T) in the place of the causal one."""
    t = real.shape[1]
    mask = np.ones((t, t), bool) & real[:, None, None, :]
    if causal:
        mask = mask & (np.tri(t, dtype=bool) if order is None else order)
    return mask & real[:, None, :, None] if blank else mask


@exercise.mistake
def true_means_blocked(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """True and False are exchanged: True blocks.

    Why: tokens == pad is what comes to mind first, and some libraries mark what is hidden.
    Hint: What does True mean by the rule?
    """
    return ~made(tokens != pad, causal, blank)


@exercise.mistake
def queries_for_keys(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Filling is blocked as a query, not as a key.

    Why: The (B, T) is stretched along the wrong one of the two last axes.
    Hint: Change a token of filling. Which outputs must not move?
    """
    real, t = tokens != pad, tokens.shape[1]
    mask = real[:, None, :, None] & np.ones((t, t), bool)
    return mask & np.tri(t, dtype=bool) if causal else mask


@exercise.mistake
def rows_always_blank(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Queries that are filling may look nowhere, whether it is asked for or not.

    Why: The product of a column and a row looks like the whole mask.
    Hint: What does the rule say of their rows without blank=True?
    """
    return made(tokens != pad, causal, True)


@exercise.mistake
def rows_never_blank(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Queries that are filling look about, although blank=True.

    Why: blank is not used.
    Hint: Call it with blank=True: what stands in a row of filling?
    """
    return made(tokens != pad, causal, False)


@exercise.mistake
def filling_sees_itself(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Every query sees itself, filling too.

    Why: It keeps a softmax from giving NaN.
    Hint: May a query see a key that is filling?
    """
    return made(tokens != pad, causal, blank) | np.eye(tokens.shape[1], dtype=bool)


@exercise.mistake
def causal_left_out(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """The causal mask is not joined.

    Why: causal is not used.
    Hint: Call it with causal=True: what does query 0 see?
    """
    return made(tokens != pad, False, blank)


@exercise.mistake
def always_causal(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """The future is hidden, whether it is asked for or not.

    Why: The function was written for a decoder.
    Hint: What does query 0 see without causal=True?
    """
    return made(tokens != pad, True, blank)


@exercise.mistake
def joined_by_or(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """A pair is open where one of the two masks allows it.

    Why: Where True means blocked, masks are joined by or.
    Hint: The key is filling, and stands before the query. Is it open?
    """
    mask = made(tokens != pad, False, blank)
    return mask | np.tri(tokens.shape[1], dtype=bool) if causal else mask


@exercise.mistake
def own_place_blocked(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """With causal=True a query does not see its own place.

    Why: The triangle begins one place too early.
    Hint: What does query 0 see?
    """
    return made(tokens != pad, causal, blank, np.tri(tokens.shape[1], k=-1, dtype=bool))


@exercise.mistake
def future_alone(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """The causal triangle lies the other way round.

    Why: np.triu is taken for np.tril.
    Hint: With causal=True: does query 0 see the last key?
    """
    return made(tokens != pad, causal, blank, np.tri(tokens.shape[1], dtype=bool).T)


@exercise.mistake
def turned_over(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """The last two axes of the whole mask are exchanged.

    Why: Queries and keys are both tokens of the same text.
    Hint: Which of the two last axes belongs to the keys?
    """
    return made(tokens != pad, causal, blank).swapaxes(-1, -2)


@exercise.mistake
def zero_is_filling(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """The number 0 is taken for filling, whatever is asked for.

    Why: tokens > 0 or astype(bool) is short.
    Hint: Call it with pad=7.
    """
    return made(tokens != 0, causal, blank)


@exercise.mistake
def larger_is_real(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Numbers below that of filling are blocked as well.

    Why: With pad=0 there are none.
    Hint: Which comparison does the rule ask for?
    """
    return made(tokens > pad, causal, blank)


@exercise.mistake
def counted_as_lengths(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Real tokens are counted, and so many of the first keys are open.

    Why: Lengths are what most batches come with, and filling mostly stands behind.
    Hint: Which keys do you open when filling stands in front?
    """
    lengths = (tokens != pad).sum(axis=1, keepdims=True)
    return made(np.arange(tokens.shape[1]) < lengths, causal, blank)


@exercise.mistake
def up_to_the_first_filling(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """All keys behind the first filling are blocked.

    Why: The first filling is looked for as the end of the text.
    Hint: What do you do with a text that has its filling in front?
    """
    return made(np.logical_and.accumulate(tokens != pad, axis=1), causal, blank)


@exercise.mistake
def up_to_the_last_word(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """All keys up to the last real one are open, filling among them.

    Why: The length of a text is taken from the place of its last word.
    Hint: Is filling between two words filling?
    """
    return made(np.logical_or.accumulate((tokens != pad)[:, ::-1], axis=1)[:, ::-1], causal, blank)


@exercise.mistake
def first_text_for_all(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Every text gets the mask of the first one.

    Why: tokens[0] was used in a test.
    Hint: Two texts of two lengths: do their masks differ?
    """
    real = np.broadcast_to(tokens[:1] != pad, tokens.shape)
    return made(real, causal, blank)


@exercise.mistake
def axis_of_heads_missing(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """The axis of the heads is missing: (B, T, T).

    Why: It fits as long as there is one head, or as many heads as texts.
    Hint: The scores are (B, H, T, T). How is (B, T, T) laid over them?
    """
    return made(tokens != pad, causal, blank)[:, 0]


@exercise.mistake
def not_stretched(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Without another mask the axis of the queries stays 1.

    Why: NumPy would stretch it later by itself.
    Hint: Which shape does the rule ask for?
    """
    return made(tokens != pad, causal, blank) if causal or blank else (tokens != pad)[:, None, None, :]
