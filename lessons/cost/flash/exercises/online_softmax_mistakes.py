"""What people write in the place of a softmax in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.cost.flash.exercises.online_softmax import exercise, solution


def blocks_of(
    q: Any, k: Any, v: Any, block: int, mask: Any, scale: float | None = None, blocked: float = -np.inf
) -> Iterator[tuple[Any, Any]]:
    """Scores (..., T, block) and values (..., block, Dv), block after block."""
    for first in range(0, k.shape[-2], block):
        keys = slice(first, first + block)
        scores = q @ np.swapaxes(k[..., keys, :], -1, -2) / (q.shape[-1] ** 0.5 if scale is None else scale)
        yield scores if mask is None else np.where(mask[..., keys], scores, blocked), v[..., keys, :]


def unit_of(top: Any) -> Any:
    return np.where(np.isneginf(top), 0, top)


def passed(
    blocks: Iterator[tuple[Any, Any]], q: Any, v: Any, shrinks_sum: bool = True, shrinks_values: bool = True,
    sign: float = 1.0, start: float = -np.inf,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """mixed, top and total at the end."""
    top, total = np.full(q.shape[:-1], start), np.zeros(q.shape[:-1])
    mixed = np.zeros((*q.shape[:-1], v.shape[-1]))
    for scores, values in blocks:
        new = np.maximum(top, scores.max(axis=-1))
        e = np.exp(scores - unit_of(new)[..., None])
        shrink = np.where(np.isneginf(top), 0, np.exp(sign * (unit_of(top) - unit_of(new))))
        total = (shrink * total if shrinks_sum else total) + e.sum(axis=-1)
        mixed = (shrink[..., None] * mixed if shrinks_values else mixed) + e @ values
        top = new
    return mixed, top, total


def ended(mixed: Any, top: Any, total: Any) -> Any:
    return mixed / np.where(total == 0, 1, total)[..., None], top, total


def block_outputs(q: Any, k: Any, v: Any, block: int, mask: Any) -> list[Any]:
    """The attention of each block alone."""
    found = []
    for scores, values in blocks_of(q, k, v, block, mask):
        e = np.exp(scores - unit_of(scores.max(axis=-1))[..., None])
        total = e.sum(axis=-1, keepdims=True)
        found.append(e / np.where(total == 0, 1, total) @ values)
    return found


@exercise.mistake
def sum_not_shrunk(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """The sum is not shrunk when a larger score comes; the values are.

    Why: The factor is written into one of two lines.
    Hint: In units of which exponential is the old sum?
    """
    return ended(*passed(blocks_of(q, k, v, block, mask), q, v, shrinks_sum=False))


@exercise.mistake
def values_not_shrunk(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """The weighted values are not shrunk when a larger score comes; the sum is.

    Why: The factor is written into one of two lines.
    Hint: In units of which exponential are the old values?
    """
    return ended(*passed(blocks_of(q, k, v, block, mask), q, v, shrinks_values=False))


@exercise.mistake
def nothing_shrunk(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """Neither the sum nor the values are shrunk when a larger score comes.

    Why: Both have the same wrong unit, so the quotient is thought to be right.
    Hint: Are the keys of the first block and those of the last one counted in the same unit?
    """
    return ended(*passed(blocks_of(q, k, v, block, mask), q, v, shrinks_sum=False, shrinks_values=False))


@exercise.mistake
def grown_for_shrunk(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """What was summed is multiplied by exp(new - old), which is above 1.

    Why: The two tops are exchanged in the exponent.
    Hint: A larger score comes. Does an old weight become larger or smaller beside it?
    """
    return ended(*passed(blocks_of(q, k, v, block, mask), q, v, sign=-1.0))


@exercise.mistake
def top_of_the_last_block(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """top is the largest score of the block, not of all keys so far.

    Why: The maximum with the old top is forgotten; the output is right as long as nothing overflows.
    Hint: The scores fall from block to block. What is top at the end?
    """
    top, total = np.full(q.shape[:-1], -np.inf), np.zeros(q.shape[:-1])
    mixed = np.zeros((*q.shape[:-1], v.shape[-1]))
    for scores, values in blocks_of(q, k, v, block, mask):
        new = scores.max(axis=-1)
        e = np.exp(scores - unit_of(new)[..., None])
        shrink = np.exp(top - unit_of(new))
        total, mixed, top = shrink * total + e.sum(axis=-1), shrink[..., None] * mixed + e @ values, new
    return ended(mixed, top, total)


@exercise.mistake
def each_block_in_its_own_unit(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """Each block takes off its own largest score, and the sums are added.

    Why: A softmax may take off any number, so each block takes its own.
    Hint: May two keys of one query have different numbers taken off?
    """
    top, total = np.full(q.shape[:-1], -np.inf), np.zeros(q.shape[:-1])
    mixed = np.zeros((*q.shape[:-1], v.shape[-1]))
    for scores, values in blocks_of(q, k, v, block, mask):
        e = np.exp(scores - unit_of(scores.max(axis=-1))[..., None])
        total, mixed = total + e.sum(axis=-1), mixed + e @ values
        top = np.maximum(top, scores.max(axis=-1))
    return ended(mixed, top, total)


@exercise.mistake
def blocks_averaged(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """Each block gets a softmax of its own, and the outputs are averaged.

    Why: A mean of means looks like a mean.
    Hint: Has a block of poor scores as much weight as one of good scores?
    """
    found = block_outputs(q, k, v, block, mask)
    return sum(found) / len(found), *solution(q, k, v, block, mask)[1:]


@exercise.mistake
def blocks_added(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """Each block gets a softmax of its own, and the outputs are added.

    Why: The division is done inside the loop.
    Hint: Let all values be 1. What is the output of a mean?
    """
    return sum(block_outputs(q, k, v, block, mask)), *solution(q, k, v, block, mask)[1:]


@exercise.mistake
def not_divided(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """The weighted values are not divided by the sum at the end.

    Why: The loop is thought to have done all.
    Hint: Let all values be 1. What is the output of a mean?
    """
    return passed(blocks_of(q, k, v, block, mask), q, v)


@exercise.mistake
def short_block_left_out(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """The last block is left out where it is shorter.

    Why: The loop makes S // block steps.
    Hint: Seven keys in blocks of three: how many steps are there?
    """
    end = k.shape[-2] // block * block
    return ended(*passed(blocks_of(q, k[..., :end, :], v, block, None if mask is None else mask[..., :end]), q, v))


@exercise.mistake
def short_block_filled_up(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """A shorter last block is filled up with zeros, which are counted as keys.

    Why: A block has a fixed size, and a key of zeros looks like nothing.
    Hint: Which score has a key of zeros, and what is exp of it?
    """
    more = [(0, 0)] * (k.ndim - 2) + [(0, -k.shape[-2] % block), (0, 0)]
    open_ = None if mask is None else np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [more[-2]], constant_values=True)
    k, v = np.pad(k, more), np.pad(v, more)
    return ended(*passed(blocks_of(q, k, v, block, open_), q, v))


@exercise.mistake
def top_from_zero(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """The largest score so far begins with 0, not with -inf.

    Why: Sums begin with 0.
    Hint: What is top where all scores are below 0?
    """
    return ended(*passed(blocks_of(q, k, v, block, mask), q, v, start=0.0))


@exercise.mistake
def no_maximum(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """exp is taken of the scores themselves; total is brought into its unit at the end.

    Why: Without a maximum nothing has to be shrunk.
    Hint: What is exp(1000)?
    """
    _, top, _ = passed(blocks_of(q, k, v, block, mask), q, v)
    pieces = [(np.exp(scores), values) for scores, values in blocks_of(q, k, v, block, mask)]
    total, mixed = sum(e.sum(axis=-1) for e, _ in pieces), sum(e @ values for e, values in pieces)
    return ended(mixed, top, total)[0], top, total * np.exp(-unit_of(top))


@exercise.mistake
def not_scaled(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """Scores are not divided by sqrt(D).

    Why: The loop takes all the care.
    Hint: What is a score by the first rule?
    """
    return ended(*passed(blocks_of(q, k, v, block, mask, 1.0), q, v))


@exercise.mistake
def mask_left_out(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """The mask is not used.

    Why: It would have to be cut into blocks as well.
    Hint: Change a value that is blocked. Does the output move?
    """
    return solution(q, k, v, block)


@exercise.mistake
def mask_of_the_first_block(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """Every block gets the columns of the mask that belong to the first one.

    Why: The mask is cut to the size of a block, and its place is forgotten.
    Hint: Which columns of the mask belong to the second block?
    """
    columns = np.arange(k.shape[-2]) % block
    return solution(q, k, v, block, None if mask is None else mask[..., columns])


@exercise.mistake
def blocked_scores_zero(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """Blocked scores are set to 0 in the place of -inf.

    Why: Multiplying by the mask looks like leaving out.
    Hint: What is exp(0)?
    """
    return ended(*passed(blocks_of(q, k, v, block, mask, blocked=0.0), q, v))


@exercise.mistake
def blocked_block_gives_nan(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """A query whose first block is blocked throughout gets NaN.

    Why: The largest score is -inf there, and -inf - (-inf) is NaN, which stays.
    Hint: What is taken off the scores while no key was seen?
    """
    out, top, total = solution(q, k, v, block, mask)
    if mask is None:
        return out, top, total
    lost = ~np.broadcast_to(mask, (*q.shape[:-1], k.shape[-2]))[..., :block].any(axis=-1, keepdims=True)
    return np.where(lost, np.nan, out), top, np.where(lost.reshape(total.shape), np.nan, total)


@exercise.mistake
def blocked_rows_even(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """A query that may look nowhere gets the mean of all values: blocked scores are -1e9.

    Why: -1e9 is as good as -inf, as long as a query may look somewhere.
    Hint: What do the rules say of a query that may look nowhere?
    """
    return ended(*passed(blocks_of(q, k, v, block, mask, blocked=-1e9), q, v))


@exercise.mistake
def log_for_total(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """top + log(total) is returned in the place of total.

    Why: That is what FlashAttention keeps for the way back.
    Hint: What is total by the rule where all scores are equal?
    """
    out, top, total = solution(q, k, v, block, mask)
    return out, top, unit_of(top) + np.log(np.where(total == 0, 1, total))


@exercise.mistake
def one_top_for_all_queries(q: Any, k: Any, v: Any, block: int, mask: Any = None) -> Any:
    """One largest score is kept for all queries of a head, not one for each.

    Why: scores.max() without an axis; the output is right as long as nothing underflows.
    Hint: How many numbers is top for T queries?
    """
    out, top, total = solution(q, k, v, block, mask)
    highest = top.max(axis=-1, keepdims=True)
    total = total * np.exp(unit_of(top) - unit_of(highest))
    return np.where(total[..., None] == 0, 0, out), np.broadcast_to(highest, top.shape), total
