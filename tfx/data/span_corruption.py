"""Span corruption, the objective of T5: runs of tokens are cut out, and the model writes them down.

    text      thank you for inviting me to your party last week
    source    thank you <X> me to your party <Y> week
    target    <X> for inviting <Y> last <Z>

Each run is replaced by a sentinel of its own, a token that occurs nowhere else, and the target names the sentinel
before what it stood for; one more sentinel ends it.  About 15% of the tokens are cut out, in runs of 3 on average, so
source and target together are hardly longer than the text, and the decoder writes a few tokens instead of all.
Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
sections 3.1.4 and 3.3.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Corrupted(NamedTuple):
    source: np.ndarray  # (S,)
    target: np.ndarray  # (T,)


def corrupt_spans(
    ids: np.ndarray, sentinels: Sequence[int], rng: np.random.Generator, rate: float = 0.15, mean_length: float = 3.0
) -> Corrupted:
    """ids: (n,) integers, none of them a sentinel -> source and target.

    The numbers of cut tokens, n * rate, and of runs, that by mean_length, are rounded and fixed; where the runs lie
    and how long each is, is drawn.  Two runs never touch, and the text starts with a token that stays.
    Raises ValueError for a rate outside (0, 1), a mean length below 1, a text too short to lose and to keep a token,
    too few sentinels (runs + 1 are needed), or a sentinel in the text.
    """
    if not 0 < rate < 1 or mean_length < 1:
        raise ValueError(f"rate must lie between 0 and 1 and mean_length be at least 1, not {rate} and {mean_length}")
    if len(ids) < 2:
        raise ValueError(f"a text of {len(ids)} tokens cannot lose one and keep one")
    n_cut = min(max(round(len(ids) * rate), 1), len(ids) - 1)
    n_runs = min(max(round(n_cut / mean_length), 1), n_cut, len(ids) - n_cut)
    if n_runs + 1 > len(sentinels):
        raise ValueError(f"{n_runs} runs need {n_runs + 1} sentinels, and there are {len(sentinels)}")
    if np.isin(ids, sentinels).any():
        raise ValueError("the text holds a sentinel; sentinels must stand for nothing else")
    kept = _lengths(len(ids) - n_cut, n_runs, rng)
    cut = _lengths(n_cut, n_runs, rng)
    source: list[int] = []
    target: list[int] = []
    at = 0
    for sentinel, n_kept, n_gone in zip(sentinels, kept, cut, strict=False):
        source += [*ids[at : at + n_kept], sentinel]
        target += [sentinel, *ids[at + n_kept : at + n_kept + n_gone]]
        at += n_kept + n_gone
    target.append(sentinels[n_runs])
    return Corrupted(np.array(source, dtype=np.int64), np.array(target, dtype=np.int64))


def restore_spans(source: np.ndarray, target: np.ndarray, sentinels: Sequence[int]) -> np.ndarray:
    """The text that source and target were made of: every sentinel of the source replaced by its run."""
    known = set(sentinels)
    runs: dict[int, list[int]] = {}
    for token in np.asarray(target).tolist():
        if token in known:
            run = runs.setdefault(token, [])
        else:
            run.append(token)
    text: list[int] = []
    for token in np.asarray(source).tolist():
        text += runs.get(token, []) if token in known else [token]
    return np.array(text, dtype=np.int64)


def _lengths(total: int, parts: int, rng: np.random.Generator) -> np.ndarray:
    """`total` cut into `parts` positive whole numbers, every way equally likely."""
    cuts = np.sort(rng.choice(total - 1, parts - 1, replace=False)) + 1
    return np.diff(np.concatenate(([0], cuts, [total])))
