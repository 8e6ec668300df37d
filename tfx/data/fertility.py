"""Two toy languages: one in which every word becomes 0 to 3 words of another, and one with two right answers.

translation     each source word has a fixed translation of 0, 1, 2 or 3 target words; a sentence is translated word by
                word.  How many words each became is known: its fertility.
either order    the source is two different words; "first second" and "second first" are both right, and which one
                stands in the data is drawn by lot.  Nothing in the source says which.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Dictionary(NamedTuple):
    """words: (V, 3) target words of each source word, of which the first `fertilities`, (V,), count."""

    words: np.ndarray
    fertilities: np.ndarray


class Translations(NamedTuple):
    """src, fertilities: (B, S); targets: (B, T) with 0 after `lengths`: (B,)."""

    src: np.ndarray
    fertilities: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray


def draw_dictionary(rng: np.random.Generator, n_words: int, n_target_words: int) -> Dictionary:
    """Random translations; fertilities 0, 1, 2 and 3 take turns, so that each occurs where there are four words."""
    return Dictionary(rng.integers(n_target_words, size=(n_words, 3)), np.arange(n_words) % 4)


def translate(dictionary: Dictionary, src: np.ndarray) -> Translations:
    """src: (B, S) source words -> their translation, word by word."""
    fertilities = dictionary.fertilities[src]
    kept = np.arange(3) < fertilities[..., None]  # (B, S, 3)
    lengths = fertilities.sum(axis=1)
    targets = np.zeros((len(src), int(lengths.max(initial=0))), dtype=np.int64)
    targets[np.arange(targets.shape[1]) < lengths[:, None]] = dictionary.words[src][kept]  # both in reading order
    return Translations(src, fertilities, targets, lengths)


def either_order(rng: np.random.Generator, batch: int, n_words: int) -> Translations:
    """src: (batch, 2) of different words, targets the same words in an order drawn by lot; every fertility is 1."""
    first = rng.integers(n_words, size=batch)
    src = np.stack([first, (first + rng.integers(1, n_words, size=batch)) % n_words], axis=1)
    swapped = rng.random(batch) < 0.5
    targets = np.where(swapped[:, None], src[:, ::-1], src)
    return Translations(src, np.ones_like(src), targets, np.full(batch, 2))
