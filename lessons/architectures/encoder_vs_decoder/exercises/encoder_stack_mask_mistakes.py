"""What people write in the place of the mask of a stack of encoder blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lessons.architectures.encoder_vs_decoder.exercises.encoder_stack import exercise
from lessons.block.transformer_block.exercises.encoder_block import solution as block
from lessons.block.transformer_block.exercises.encoder_block_parts_mistakes import norm as norm_of

Block = Callable[..., Any]


def keys(keep: Any) -> Any:
    return None if keep is None else keep[:, None, None, :]


def last_norm(x: Any, gamma: Any, beta: Any) -> Any:
    return norm_of(x, gamma, beta, 1e-5)


def through(x: Any, blocks: Sequence[Any], n_heads: int, mask: Any, norm_place: str, layer: Block = block) -> Any:
    for w in blocks:
        x = layer(x, w, n_heads, mask, norm_place)
    return x


def ended(x: Any, gamma: Any, beta: Any, norm_place: str) -> Any:
    return last_norm(x, gamma, beta) if norm_place == "pre" else x


@exercise.mistake
def padding_is_not_blocked(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """keep is not used.

    Why: The first tests have none.
    Hint: Change a row at padding. Does the output of a token move?
    """
    return ended(through(x, blocks, n_heads, None, norm_place), gamma, beta, norm_place)


@exercise.mistake
def padding_is_blocked_once(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """keep reaches the first block alone.

    Why: Behind the first block padding seems to be gone.
    Hint: Change a row at padding. Through which block does it reach a token?
    """
    first = through(x, blocks[:1], n_heads, keys(keep), norm_place)
    return ended(through(first, blocks[1:], n_heads, None, norm_place), gamma, beta, norm_place)


@exercise.mistake
def tokens_are_blocked(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """keep is read the other way round: True is blocked.

    Why: In some libraries True means padding.
    Hint: Change a row at padding. Does the output of a token move?
    """
    other = None if keep is None else ~keys(keep)
    return ended(through(x, blocks, n_heads, other, norm_place), gamma, beta, norm_place)


@exercise.mistake
def queries_are_blocked(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """keep stands along the queries, not along the keys.

    Why: keep[:, None, :, None] broadcasts as well.
    Hint: Which axis of the scores does the softmax run over?
    """
    rows = None if keep is None else keep[:, None, :, None]
    return ended(through(x, blocks, n_heads, rows, norm_place), gamma, beta, norm_place)


@exercise.mistake
def queries_and_keys_are_blocked(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """Padding looks nowhere, too.

    Why: keep times keep, as a square, is the first mask that comes to mind.
    Hint: What do the rules say of rows at padding?
    """
    both = None if keep is None else keep[:, None, :, None] & keys(keep)
    return ended(through(x, blocks, n_heads, both, norm_place), gamma, beta, norm_place)


@exercise.mistake
def padding_is_zeroed(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """Rows of padding are set to 0 in front, and not blocked.

    Why: A row of zeros looks like nothing.
    Hint: Which score has a key of zeros, and which weight?
    """
    rows = x if keep is None else x * keep[..., None]
    return ended(through(rows, blocks, n_heads, None, norm_place), gamma, beta, norm_place)


@exercise.mistake
def mask_without_its_axes(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """keep is used as it is, (B, T) against (B, H, T, T).

    Why: For one text it broadcasts as it should.
    Hint: Which axes do the last two of the scores stand for, and which has keep?
    """
    return ended(through(x, blocks, n_heads, keep, norm_place), gamma, beta, norm_place)


@exercise.mistake
def causal_too(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """A causal mask is put on.

    Why: GPT has one.
    Hint: May a word of an encoder look at words behind it?
    """
    causal = np.tril(np.ones((x.shape[1], x.shape[1]), bool))
    mask = causal if keep is None else causal & keys(keep)
    return ended(through(x, blocks, n_heads, mask, norm_place), gamma, beta, norm_place)
