"""Masked-language modelling: hide some tokens of a text, and ask for them.

Of the tokens of each row, 15% are chosen.  What the model then reads in a chosen place is

    80% of the time   [MASK]              so that it has to use the rest of the sentence
    10%               a random token      so that no token it reads can be trusted blindly
    10%               the token itself    so that the hidden state of a real word is asked for too

The last two are there because [MASK] never occurs after pre-training.  The model is asked for the original token in
every chosen place, and in no other.  Special tokens ([CLS], [SEP], padding) are never chosen.
Source: Devlin et al. 2019, "BERT", section 3.1 (task 1) and appendices A.1 and C.2; a fixed number of places in each
row, at least one, as in the code published with it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

MASKED_SHARE = 0.8
RANDOM_SHARE = 0.1


class MaskedTokens(NamedTuple):
    """ids: (B, T) what the model reads; targets: (B, T) the original; chosen: (B, T) bool, where the loss counts."""

    ids: np.ndarray
    targets: np.ndarray
    chosen: np.ndarray


def mask_tokens(
    ids: np.ndarray,
    rng: np.random.Generator,
    vocab: int,
    mask_id: int,
    special: Collection[int] = (),
    rate: float = 0.15,
    masked: float = MASKED_SHARE,
    random: float = RANDOM_SHARE,
) -> MaskedTokens:
    """ids: (B, T) integers -> MaskedTokens; `ids` itself is not changed.

    special: ids that are never chosen and never stand in for another; mask_id is one of them without being told.
    rate: the share of the other tokens of a row that is chosen, rounded, but at least one where there is any.
    masked, random: shares of the 80/10/10 rule; what remains keeps the token.  A random token may happen to be the
    original.  Raises ValueError for shares that are no shares, or when no token is left to stand in.
    """
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"rate must be between 0 and 1, not {rate}")
    if masked < 0.0 or random < 0.0 or masked + random > 1.0 + 1e-12:
        raise ValueError(f"masked {masked} and random {random} must be shares that sum to at most 1")
    never = np.array(sorted({*special, mask_id}))
    ordinary = np.setdiff1d(np.arange(vocab), never)
    if ordinary.size == 0:
        raise ValueError(f"all {vocab} tokens of the vocabulary are special")
    chosen = _choose(~np.isin(ids, never), rate, rng)
    fate = rng.random(ids.shape)
    stand_in = ordinary[rng.integers(ordinary.size, size=ids.shape)]
    read = np.where(fate < masked, mask_id, np.where(fate < masked + random, stand_in, ids))
    return MaskedTokens(np.where(chosen, read, ids), ids.copy(), chosen)


def _choose(candidates: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """candidates: (B, T) bool -> (B, T) bool: in each row that share of its candidates, all subsets equally likely."""
    n_candidates = candidates.sum(axis=1)
    n_chosen = np.minimum(np.maximum(np.rint(rate * n_candidates), rate > 0), n_candidates)
    lot = np.where(candidates, rng.random(candidates.shape), np.inf)
    rank = lot.argsort(axis=1).argsort(axis=1)  # 0 = the lowest lot of the row; candidates come first
    return rank < n_chosen[:, None]
