"""What people write in the place of a stack of encoder blocks; masks are in encoder_stack_mask_mistakes.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.architectures.encoder_vs_decoder.exercises.encoder_stack import exercise
from lessons.architectures.encoder_vs_decoder.exercises.encoder_stack_mask_mistakes import (
    block,
    ended,
    keys,
    last_norm,
    through,
)
from lessons.block.transformer_block.exercises import encoder_block_mistakes


@exercise.mistake
def no_last_norm(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """pre: the norm behind the last block is missing.

    Why: Listings that are passed around end with the loop.
    Hint: How large are the numbers that six pre blocks give?
    """
    return through(x, blocks, n_heads, keys(keep), norm_place) + 0.0


@exercise.mistake
def last_norm_in_both(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """There is a last norm with post as well.

    Why: PyTorch's Transformer has it there too.
    Hint: What does the last line of a post block do?
    """
    return last_norm(through(x, blocks, n_heads, keys(keep), norm_place), gamma, beta)


@exercise.mistake
def last_norm_for_post(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """The last norm is there with post, and not with pre.

    Why: Post is read as: a norm behind.
    Hint: Which of the two ends with a norm already?
    """
    return (
        ended(through(x, blocks, n_heads, keys(keep), norm_place), gamma, beta, "pre" if norm_place == "post" else "")
        + 0.0
    )


@exercise.mistake
def norm_before_the_first(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """pre: the norm stands before the first block, not behind the last.

    Why: Pre is read as: in front of everything.
    Hint: How large are the numbers that six pre blocks give?
    """
    return through(ended(x, gamma, beta, norm_place), blocks, n_heads, keys(keep), norm_place)


@exercise.mistake
def norm_behind_every_block(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """pre: gamma and beta normalise behind every block.

    Why: The last line of the loop is one step too far to the right.
    Hint: Can x pass through all pre blocks without a norm?
    """
    for w in blocks:
        x = ended(block(x, w, n_heads, keys(keep), norm_place), gamma, beta, norm_place)
    return x + 0.0


@exercise.mistake
def gains_of_the_last_block(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """The last norm has the gains of the last block's second norm.

    Why: w is still there behind the loop.
    Hint: Change gamma. Does your output move?
    """
    if blocks:
        gamma, beta = blocks[-1]["gamma_2"], blocks[-1]["beta_2"]
    return ended(through(x, blocks, n_heads, keys(keep), norm_place), gamma, beta, norm_place)


@exercise.mistake
def gains_left_out(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """The last norm has neither gain nor offset.

    Why: As they start, nothing is missing.
    Hint: Change gamma. Does your output move?
    """
    return ended(through(x, blocks, n_heads, keys(keep), norm_place), np.ones_like(gamma), 0 * beta, norm_place)


@exercise.mistake
def first_block_again(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """Every block has the arrays of the first.

    Why: One block is made, and used as often as there should be blocks.
    Hint: Change an array of the second block. Does your output move?
    """
    same = blocks[:1] * len(blocks)
    return ended(through(x, same, n_heads, keys(keep), norm_place), gamma, beta, norm_place)


@exercise.mistake
def last_block_again(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """Every block has the arrays of the last.

    Why: Functions made in a loop all read its variable, when they are called: behind the loop.
    Hint: Change an array of the first block. Does your output move?
    """
    same = blocks[-1:] * len(blocks)
    return ended(through(x, same, n_heads, keys(keep), norm_place), gamma, beta, norm_place)


@exercise.mistake
def first_block_alone(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """Only the first block runs.

    Why: return stands inside the loop.
    Hint: Change an array of the last block. Does your output move?
    """
    return ended(through(x, blocks[:1], n_heads, keys(keep), norm_place), gamma, beta, norm_place)


@exercise.mistake
def last_block_left_out(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """The last block does not run.

    Why: range(1, n), or a slice to -1.
    Hint: Change an array of the last block. Does your output move?
    """
    return ended(through(x, blocks[:-1], n_heads, keys(keep), norm_place), gamma, beta, norm_place) + 0.0


@exercise.mistake
def from_the_last(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """The blocks run from the last to the first.

    Why: That is the order of the way back.
    Hint: Which block reads x?
    """
    return ended(through(x, blocks[::-1], n_heads, keys(keep), norm_place), gamma, beta, norm_place)


@exercise.mistake
def all_read_x(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """Every block reads x, and the result of the last one counts.

    Why: y = block(x) in a loop: the next one does not read y.
    Hint: What goes into the second block?
    """
    return ended(through(x, blocks[-1:], n_heads, keys(keep), norm_place), gamma, beta, norm_place)


@exercise.mistake
def results_summed(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """A block's result is added to what it read: x = x + block(x).

    Why: Residual connections are everywhere.
    Hint: Who adds x to what a part gives: the block or the stack?
    """
    for w in blocks:
        x = x + block(x, w, n_heads, keys(keep), norm_place)
    return ended(x, gamma, beta, norm_place)


@exercise.mistake
def place_not_handed_on(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """norm_place does not reach the blocks: they are pre ones always.

    Why: The default of the block stands in.
    Hint: Call it with norm_place="post". Is the mean of a token 0, with offsets of 0?
    """
    return ended(through(x, blocks, n_heads, keys(keep), "pre"), gamma, beta, norm_place)


@exercise.mistake
def no_way_around(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """The blocks have no residual connection.

    Why: The parts are called one behind the other.
    Hint: Make all maps 0. What should a pre block give?
    """
    layer = encoder_block_mistakes.no_way_around
    return ended(through(x, blocks, n_heads, keys(keep), norm_place, layer), gamma, beta, norm_place)
