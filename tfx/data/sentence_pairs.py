"""Next-sentence prediction on a small language in which the first sentence decides the second.

    [CLS] today anna calls ben [SEP] then ben answers anna [SEP]
      0     0    0     0    0    0     1    1     1     1    1          segments

The second sentence turns the names round, and its verb answers the first verb; "today" and "then" may be left out.
Half of the pairs are real, the other half wrong.  What makes them wrong can be chosen:

- "random": any second sentence of the language, as in the paper.  Usually the names tell.
- "roles":  the right words with the names the wrong way round, "then anna answers ben".  Both sentences hold exactly
            the same words as in a real pair, so only their order tells: impossible without positions.
- "order":  the two sentences of a real pair in the wrong order (what ALBERT asks for).  Without positions only the
            segments say which words stand in which sentence.

A fifth of all (name, name) couples never occurs in training.
Sources: Devlin et al. 2019, section 3.1 (task 2) and appendix A.1; sentence order: Lan et al. 2020, "ALBERT", 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

NAMES = ("anna", "ben", "clara", "david", "emma", "felix", "greta", "hugo", "ida", "jonas")
#: Verb of the first sentence -> verb of the second.
ANSWERS = {
    "calls": "answers",
    "feeds": "thanks",
    "chases": "flees",
    "teaches": "follows",
    "visits": "welcomes",
    "teases": "scolds",
}
WRONG = ("random", "roles", "order")

PAD, CLS, SEP, MASK = "[PAD]", "[CLS]", "[SEP]", "[MASK]"
#: id -> word; padding is 0.
VOCABULARY = (PAD, CLS, SEP, MASK, "today", "then", *NAMES, *ANSWERS, *ANSWERS.values())
ID_OF = {word: i for i, word in enumerate(VOCABULARY)}
SPECIAL = tuple(ID_OF[word] for word in (PAD, CLS, SEP, MASK))

IS_NEXT, NOT_NEXT = 0, 1

Words = tuple[str, ...]


class Packed(NamedTuple):
    """ids, segments: (B, T), padded with 0; lengths: (B,)."""

    ids: np.ndarray
    segments: np.ndarray
    lengths: np.ndarray


class SentencePairs(NamedTuple):
    """Packed pairs, and for each IS_NEXT (0) or NOT_NEXT (1).  ids, segments: (B, T); lengths, labels: (B,)."""

    ids: np.ndarray
    segments: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray


def is_held_out(first: str, second: str) -> bool:
    """True for the fifth of all couples of names that training never shows, whichever comes first."""
    return (NAMES.index(first) + NAMES.index(second)) % 5 == 0


def couples(held_out: bool) -> list[tuple[str, str]]:
    """All couples of different names on one side of the split, in both orders."""
    return [(a, b) for a in NAMES for b in NAMES if a != b and is_held_out(a, b) == held_out]


def sentence_pairs(n: int, rng: np.random.Generator, wrong: str = "random", held_out: bool = False) -> SentencePairs:
    """n pairs drawn with rng, each real or wrong with probability 1/2.  Raises ValueError for an unknown `wrong`."""
    if wrong not in WRONG:
        raise ValueError(f"wrong must be one of {', '.join(WRONG)}, not {wrong!r}")
    pool = couples(held_out)
    drawn, labels = [], np.empty(n, dtype=np.int64)
    for i in range(n):
        first, second, swapped = _draw(rng, pool)
        labels[i] = NOT_NEXT if rng.random() < 0.5 else IS_NEXT
        if labels[i] == NOT_NEXT:
            first, second = {
                "random": (first, _other(second, rng, pool)),
                "roles": (first, swapped),
                "order": (second, first),
            }[wrong]
        drawn.append((first, second))
    return SentencePairs(*pack_pairs(drawn), labels)


def pack_pairs(pairs: Sequence[tuple[Words, Words]]) -> Packed:
    """[CLS] first [SEP] second [SEP], with segment 0 up to the first [SEP] and 1 after it; short rows are padded.

    Raises ValueError for a word outside the language.
    """
    rows = [((CLS, *first, SEP), (*second, SEP)) for first, second in pairs]
    unknown = sorted({word for a, b in rows for word in a + b} - ID_OF.keys())
    if unknown:
        raise ValueError(f'"{unknown[0]}" is not a word of the sentence pairs')
    lengths = np.array([len(a) + len(b) for a, b in rows], dtype=np.int64)
    ids = np.full((len(rows), int(lengths.max(initial=0))), ID_OF[PAD], dtype=np.int64)
    segments = np.zeros_like(ids)
    for i, (a, b) in enumerate(rows):
        ids[i, : lengths[i]] = [ID_OF[word] for word in a + b]
        segments[i, len(a) : lengths[i]] = 1
    return Packed(ids, segments, lengths)


def _draw(rng: np.random.Generator, pool: list[tuple[str, str]]) -> tuple[Words, Words, Words]:
    """A first sentence, the one that follows it, and that one with its names the wrong way round."""
    a, b = pool[int(rng.integers(len(pool)))]
    verb = tuple(ANSWERS)[int(rng.integers(len(ANSWERS)))]
    today, then = (word if rng.random() < 0.5 else () for word in (("today",), ("then",)))
    return (*today, a, verb, b), (*then, b, ANSWERS[verb], a), (*then, a, ANSWERS[verb], b)


def _other(second: Words, rng: np.random.Generator, pool: list[tuple[str, str]]) -> Words:
    """A second sentence that says something else."""
    while (other := _draw(rng, pool)[1])[-3:] == second[-3:]:
        pass
    return other
