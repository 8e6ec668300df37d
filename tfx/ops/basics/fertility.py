"""Copying source tokens to target places by fertility: how many target words each source word becomes.

    fertilities 1 0 3      source a b c   ->   a c c c          place t copies source token s_t
    y_t = x[s_t]           0 where the target has ended (s_t = -1)

A decoder that writes all tokens at once has no earlier target tokens to read; it reads these copies instead.  Where
fertilities are not known, only the two lengths, T places copy S tokens evenly: s_t = round(S t / T), counted from 1.

Derivation.  y = A x with A_ts = [s = s_t], a linear map, so dx = A^T dy: dx_s = sum of dy_t over all places t that
copied token s, and 0 for a token of fertility 0.  It is the look-up of an embedding, in a table of its own for each
sequence.  Fertilities are whole numbers and have no gradient: a classifier learns them from given ones, and the
gradient of the words does not reach it.
Source: Gu et al. 2018, "Non-Autoregressive Neural Machine Translation", section 3.2, which compares them with
even copies.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, on_host, xp_of
from tfx.half import in_float32
from tfx.ops.basics.embedding import EmbeddingCache, check_ids, embedding_backward, embedding_forward


class CopySourcesCache(NamedTuple):
    lookup: EmbeddingCache  # in a table of all B S tokens and, after them, one row of zeros
    shape: tuple[int, ...]


def fertility_sources(fertilities: Array, n_targets: int) -> Array:
    """fertilities: (B, S) integers >= 0 -> sources: (B, T) int64, which source place each target place copies.

    T is n_targets; places after the sum of a row are -1.  Raises ValueError when a row needs more places or a fertility
    is negative (checked on the host).
    """
    xp = xp_of(fertilities)
    ends = fertilities.astype("int64").cumsum(axis=-1)  # (B, S): token s ends before place ends[s]
    if on_host(fertilities) and fertilities.size:
        if fertilities.min() < 0:
            raise ValueError(f"a fertility must not be negative, but one is {fertilities.min()}")
        if ends[:, -1].max() > n_targets:
            raise ValueError(f"fertilities sum to {ends[:, -1].max()} but there are {n_targets} target places")
    place = xp.arange(n_targets)
    sources = (ends[:, None, :] <= place[:, None]).sum(axis=-1)  # how many tokens ended before this place
    return xp.where(sources < fertilities.shape[-1], sources, -1)


def uniform_sources(src_lengths: Array, tgt_lengths: Array, n_targets: int) -> Array:
    """src_lengths, tgt_lengths: (B,) integers -> sources: (B, T) int64, spread evenly; -1 after the target's end."""
    xp = xp_of(src_lengths, tgt_lengths)
    s, t = xp.asarray(src_lengths)[:, None], xp.asarray(tgt_lengths)[:, None]
    place = xp.arange(n_targets)[None, :]
    nearest = (2 * s * (place + 1) + t) // (2 * xp.maximum(t, 1)) - 1  # round(s (place + 1) / t), counted from 1
    return xp.where(place < t, xp.maximum(nearest, 0), -1).astype("int64")


@in_float32
def copy_sources_forward(x: Array, sources: Array) -> tuple[Array, CopySourcesCache]:
    """x: (B, S, C), sources: (B, T) integers -> y: (B, T, C), cache.  A negative source gives zeros.

    Raises ValueError for a source beyond S; for sources on a graphics card such a place is NaN, as in `embedding`.
    """
    xp = xp_of(x)
    batch, length, width = x.shape
    filled = sources >= 0
    if filled.size and length:
        check_ids(xp_of(sources).where(filled, sources, 0), length, "source place")
    sources, filled = xp.asarray(sources), xp.asarray(filled)
    table = xp.concatenate([x.reshape(batch * length, width), xp.zeros((1, width), dtype=x.dtype)])
    first = (xp.arange(batch) * length)[:, None]  # where each sequence begins in the table
    row = xp.where(sources < length, sources + first, len(table))  # no such token: no such row
    y, lookup = embedding_forward(xp.where(filled, row, len(table) - 1), table)
    return y, CopySourcesCache(lookup, x.shape)


@in_float32
def copy_sources_backward(dy: Array, cache: CopySourcesCache) -> Array:
    """dy: (B, T, C) -> dx: (B, S, C)."""
    dtable = embedding_backward(dy, cache.lookup)  # y = table[row]; a token that was copied again adds again
    return dtable[:-1].reshape(cache.shape)  # table = tokens of x, and a row of zeros that is constant
