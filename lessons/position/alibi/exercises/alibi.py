"""Attention with linear biases."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.attention.masks import causal_mask
from tfx.ops.positions.alibi import alibi_bias

exercise = Exercise(
    "alibi",
    "Linear biases (ALiBi)",
    step="slopes",
    rules=[
        "scores is (..., H, T, S), for heads, queries and keys. Key j stands at place j, query i at place past + i.",
        "Head h has a slope m_h > 0, and -m_h times the distance of the two places, in front or behind, is added.",
        "With H a power of 2, m_h = 2^(-8 h / H), h = 1 ... H.",
        "For another H: the slopes for P heads, P the next lower power of 2, then the first, third, fifth ... of those "
        "for 2 P heads, until there are H.",
        "causal=True: the score of a key behind the query becomes -inf. scores stays as it is.",
    ],
    hints=[
        "The table of distances is (T, S): a column of places of queries less a row of places of keys.",
        "slopes[:, None, None] lays one slope over each head's table.",
        "Eight heads: 1/2, 1/4 ... 1/256. By which number is each the one before, for H heads?",
    ],
    learned="a fixed slope for each head, times the distance, is taken off the scores; nothing is learned.",
    results=["biased: (..., H, T, S)"],
)


@exercise.stub
def alibi(scores, past=0, causal=False):
    """The farther a key, the lower its score.

    scores: (..., H, T, S) -> (..., H, T, S)
    """
    ...


def slopes_of(n_heads: int) -> Any:
    power = 2 ** int(math.log2(n_heads))  # the next lower power of 2
    first = 2.0 ** (-8 * np.arange(1, power + 1) / power)
    between = 2.0 ** (-8 * np.arange(1, 2 * power + 1) / (2 * power))
    return np.concatenate([first, between[::2]])[:n_heads]


def offsets_of(scores: Any, past: int) -> Any:
    """(T, S): the place of the key less that of the query."""
    t, s = scores.shape[-2:]
    return np.arange(s)[None, :] - (past + np.arange(t)[:, None])


@exercise.solution
def solution(scores: Any, past: int = 0, causal: bool = False) -> Any:
    h, t, s = scores.shape[-3:]
    power = 2 ** int(math.log2(h))  # the next lower power of 2
    slopes = 2.0 ** (-8 * np.arange(1, power + 1) / power)
    between = 2.0 ** (-8 * np.arange(1, 2 * power + 1) / (2 * power))
    slopes = np.concatenate([slopes, between[::2]])[:h]
    ahead = np.arange(s)[None, :] - (past + np.arange(t)[:, None])  # (T, S)
    biased = scores - slopes[:, None, None] * abs(ahead)
    return np.where(ahead > 0, -np.inf, biased) if causal else biased


@exercise.truth
def truth(scores: Any, past: int = 0, causal: bool = False) -> Any:
    h, t, s = scores.shape[-3:]
    biased = scores + alibi_bias(h, t, s, past, causal)
    return np.where(causal_mask(t, s, past), biased, -np.inf) if causal else biased


@exercise.equal
def one_number_at_a_time(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """The slopes come from repeated roots, and the bias is added score by score."""
    h, power = scores.shape[-3], 1
    while 2 * power <= h:
        power *= 2
    ratio = 0.5 ** (8 / power)
    slopes = [ratio ** (n + 1) for n in range(power)]
    slopes += [math.sqrt(ratio) * ratio**n for n in range(h - power)]
    biased = np.array(scores, dtype=float)
    for at in np.ndindex(*biased.shape):
        away = at[-1] - at[-2] - past
        biased[at] = -math.inf if causal and away > 0 else float(scores[at]) - slopes[at[-3]] * abs(away)
    return biased


@exercise.equal
def by_two_sides(scores: Any, past: int = 0, causal: bool = False) -> Any:
    """Keys before the query and behind it, each with a bias of its own."""
    offsets = offsets_of(scores, past)
    before, behind = np.minimum(offsets, 0), np.maximum(offsets, 0)
    biased = scores + np.einsum("h,ts->hts", slopes_of(scores.shape[-3]), before - behind)
    biased[..., (behind > 0) & causal] = -np.inf
    return biased


#: words -> H; axes in front, from H; T and S; how many keys are stored, from T and S, and whether the future is hidden;
#: how large scores are, and their type
HEADS = {f"{h} heads": h for h in (4, 1, 2, 3, 6, 7, 8, 12)}
FRONTS: dict[str, Any] = {
    "": lambda h: (),
    "2 texts": lambda h: (2,),
    "1 text": lambda h: (1,),
    "2 x 3 in front": lambda h: (2, 3),
    "as many texts as heads": lambda h: (h,),
}
SIZES = {
    "T 3, S 5": (3, 5), "T = S": (4, 4), "one query, one key": (1, 1), "one query": (1, 6), "T 5, S 2": (5, 2), "one key": (4, 1),
    "T 2, S 60": (2, 60),
}  # fmt: skip
PAST: dict[str, Any] = {
    "": lambda t, s: 0,
    "one stored": lambda t, s: 1,
    "the last queries": lambda t, s: max(s - t, 0),
    "behind all keys": lambda t, s: s + 2,
}
HIDING = {
    f"{past or 'none stored'}{', causal' * causal}": (PAST[past], causal) for past in PAST for causal in (False, True)
}
BY = {
    "": (1.0, float), "float32": (1.0, np.float32), "large scores": (1e5, float), "tiny scores": (1e-3, float),
    "tiny scores in float32": (1e-3, np.float32), "scores of 0": (0.0, float),
    "scores of 0 in float32": (0.0, np.float32),
}  # fmt: skip


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal
    yield Given("four heads, all sizes different", {"scores": n((4, 3, 5))})
    yield Given("eight heads", {"scores": n((8, 4, 6))})
    yield Given("a batch", {"scores": n((3, 2, 4, 5))})
    yield Given("one head", {"scores": n((1, 4, 3))})
    yield Given("two heads", {"scores": n((2, 5, 5))})
    yield Given("sixteen heads", {"scores": n((16, 2, 3))})
    yield Given("six heads", {"scores": n((6, 3, 4))})
    yield Given("three heads", {"scores": n((2, 3, 4, 6))})
    yield Given("seven heads", {"scores": n((7, 5, 4))})
    yield Given("twelve heads, causal", {"scores": n((12, 4, 4)), "causal": True})
    yield Given("as many texts as heads, queries and keys", {"scores": n((4, 4, 4, 4))})
    yield Given("one query, one key", {"scores": n((2, 4, 1, 1))})
    yield Given("one query after six stored keys", {"scores": n((4, 1, 7)), "past": 6})
    yield Given("queries after stored keys", {"scores": n((2, 4, 3, 7)), "past": 4})
    yield Given("stored keys, and room for keys to come", {"scores": n((4, 3, 9)), "past": 2})
    yield Given("causal", {"scores": n((2, 4, 5, 5)), "causal": True})
    yield Given("causal, after stored keys, five heads", {"scores": n((5, 3, 8)), "past": 4, "causal": True})
    yield Given("causal, fewer keys than queries", {"scores": n((4, 5, 2)), "causal": True})
    yield Given("large scores", {"scores": 1e5 * n((4, 3, 5))})
    yield Given("two axes in front, keys far away", {"scores": n((2, 2, 4, 2, 60)), "past": 3})
    yield Given("float32", {"scores": n((3, 4, 3, 6)).astype(np.float32), "past": 2, "causal": True})
    for about, (h, front, (t, s), (past, causal), (by, dtype)) in crossed(HEADS, FRONTS, SIZES, HIDING, BY):
        told = {"past": past(t, s), "causal": causal}
        scores = (by * n((*front(h), h, t, s))).astype(dtype)
        yield Given(about, {"scores": scores} | {name: value for name, value in told.items() if value})
