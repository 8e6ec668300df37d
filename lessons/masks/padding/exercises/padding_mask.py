"""The mask that hides filling, alone and with the causal one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.attention.masks import causal_mask, combine_masks

exercise = Exercise(
    "padding-mask",
    "The padding mask",
    step="mask_shape",
    level=1,
    rules=[
        "tokens is (B, T), whole numbers; the number `pad` is filling, wherever it stands: behind, in front or between.",
        "The mask is a new boolean array (B, 1, T, T), for text, heads, query and key; True means: may look there.",
        "No query sees a key that is filling. With causal=True no query sees a later key either.",
        "Queries that are filling have rows like all others; with blank=True they may look nowhere.",
        "A query that may look nowhere has a row of False. tokens stays as it is.",
    ],
    hints=[
        "tokens != pad is (B, T). Which of the axes of (B, 1, T, T) does its T belong to?",
        "Two masks forbid: a pair is open only where both allow it.",
        "With blank=True the same (B, T) is needed along one more axis.",
    ],
    learned="filling is blocked as a key, for every query; masks join by and; rows of filling are a choice of their own.",
    results=["mask: (B, 1, T, T)"],
    keeps_dtype=True,
)


@exercise.stub
def padding_mask(tokens, pad=0, causal=False, blank=False):
    """Who may look at whom in texts that were filled up to one length.

    tokens: (B, T) -> (B, 1, T, T), boolean, True = may look
    """
    ...


@exercise.solution
def solution(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    t, real = tokens.shape[1], tokens != pad  # (B, T)
    mask = np.ones((t, t), bool) & real[:, None, None, :]  # (B, 1, T, T)
    if causal:
        mask &= np.tril(np.ones((t, t), bool))
    if blank:
        mask &= real[:, None, :, None]
    return mask


@exercise.truth
def truth(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    batch, t = tokens.shape
    real = (tokens != pad)[:, None, None, :]
    queries = np.swapaxes(real, -1, -2) if blank else None
    everything = np.ones((batch, 1, t, t), bool)
    return combine_masks(everything, real, causal_mask(t) if causal else None, queries)


@exercise.equal
def in_loops(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Pair by pair."""
    batch, t = tokens.shape
    mask = np.zeros((batch, 1, t, t), bool)
    for b, i, j in np.ndindex(batch, t, t):
        seen = int(tokens[b, j]) != pad and (j <= i or not causal)
        mask[b, 0, i, j] = seen and (not blank or int(tokens[b, i]) != pad)
    return mask


@exercise.equal
def products(tokens: Any, pad: int = 0, causal: bool = False, blank: bool = False) -> Any:
    """Numbers 0 and 1 are multiplied."""
    batch, t = tokens.shape
    real = (tokens != pad).astype(int)
    queries = real if blank else np.ones((batch, t), int)
    pairs = np.einsum("bi,bj,ij->bij", queries, real, np.tri(t, dtype=int) if causal else np.ones((t, t), int))
    return pairs[:, None] == 1


#: words -> (B, T); the number of filling, and whether 0 is a word; where filling stands, from random numbers between 0 and 1, (B, T)
TEXTS = {
    "2 of 5": (2, 5), "1 text of 4": (1, 4), "one token each": (3, 1), "as many texts as tokens": (3, 3), "one token": (1, 1),
    "two tokens each": (3, 2), "1 text of 2": (1, 2), "2 of 12": (2, 12), "5 of 3": (5, 3), "1 text of 9": (1, 9), "2 of 2": (2, 2),
}  # fmt: skip
PADS = {
    "": (0, False), "filling is 7": (7, False), "filling is 7, zeros are words": (7, True), "filling is -1": (-1, False),
    "filling is -1, zeros are words": (-1, True), "filling is 50,000": (50_000, False), "filling is 50,000, zeros are words": (50_000, True),
}  # fmt: skip
ASKED = {
    f"{'causal, ' * causal}{'blank, ' * blank}{dtype}": (causal, blank, dtype)
    for causal in (False, True)
    for blank in (False, True)
    for dtype in ("int64", "int32")
}
FILLING: dict[str, Any] = {
    "no filling": lambda u: u > 1,
    "filling behind": lambda u: np.arange(u.shape[1]) > u[:, :1] * (u.shape[1] - 1),
    "filling in front": lambda u: np.arange(u.shape[1]) < u[:, :1] * (u.shape[1] - 1),
    "filling anywhere": lambda u: u < 0.45,
    "filling between": lambda u: (np.arange(u.shape[1]) > 0) & (np.arange(u.shape[1]) < u.shape[1] - 1) & (u < 0.8),
    "the first text is filling": lambda u: (np.arange(len(u)) == 0)[:, None] | (u < 0.3),
    "the last text is filling": lambda u: (np.arange(len(u)) == len(u) - 1)[:, None] | (u < 0.3),
    "all is filling": lambda u: u <= 1,
    "the first tokens are filling": lambda u: np.broadcast_to(np.arange(u.shape[1]) == 0, u.shape),
    "the last tokens are filling": lambda u: np.broadcast_to(np.arange(u.shape[1]) == u.shape[1] - 1, u.shape),
}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def texts(batch: int, t: int, *rows: tuple[int, int], pad: int = 0) -> Any:
        """Each row with filling before the first and from the second of its numbers on."""
        tokens = rng.integers(1, 9, (batch, t)) + (pad >= 1) * 10
        for b, (first, end) in enumerate(rows):
            tokens[b, :first], tokens[b, end:] = pad, pad
        return tokens

    both = {"causal": True, "blank": True}
    yield Given("two texts, filling behind", {"tokens": texts(2, 5, (0, 3), (0, 4))})
    yield Given("one text", {"tokens": texts(1, 4, (0, 3))})
    yield Given("one token each", {"tokens": texts(3, 1, (0, 1), (0, 0), (0, 1))})
    yield Given("no filling", {"tokens": texts(2, 3)})
    yield Given("filling in front", {"tokens": texts(2, 5, (2, 5), (1, 5))})
    yield Given("filling between", {"tokens": np.array([[3, 0, 2, 0, 1], [0, 4, 0, 0, 6]])})
    yield Given("a text of nothing but filling", {"tokens": texts(2, 3, (0, 0), (0, 2))})
    yield Given("as many texts as tokens", {"tokens": texts(4, 4, (0, 3), (0, 1), (2, 4))})
    yield Given("another number for filling", {"tokens": np.array([[0, 7, 3, 7], [9, 0, 7, 7]]), "pad": 7})
    yield Given("filling is -1", {"tokens": np.array([[0, 2, -1], [5, -1, -1]]), "pad": -1})
    yield Given("with the causal mask", {"tokens": texts(2, 4, (0, 3), (0, 2)), "causal": True})
    yield Given("causal, filling in front", {"tokens": texts(2, 5, (2, 5), (0, 4)), "causal": True})
    yield Given("causal, one text", {"tokens": texts(1, 4, (1, 3)), "causal": True})
    yield Given("causal, filling between", {"tokens": np.array([[0, 4, 0, 5], [6, 0, 0, 2]]), "causal": True})
    yield Given("queries of filling blank", {"tokens": texts(2, 4, (0, 3), (1, 4)), "blank": True})
    yield Given("causal and blank", {"tokens": texts(3, 4, (0, 2), (2, 4), (1, 3)), **both})
    yield Given("causal, blank, another number", {"tokens": texts(2, 5, (0, 3), (1, 4), pad=9), "pad": 9, **both})
    yield Given("causal and blank, one token", {"tokens": texts(2, 1, (0, 0)), **both})
    yield Given("small whole numbers", {"tokens": texts(2, 3, (0, 2), (1, 3)).astype(np.int32), **both})
    for about, (shape, (pad, zeros), kind, (causal, blank, dtype)) in crossed(TEXTS, PADS, FILLING, ASKED):
        words = rng.integers(1, 9, shape)
        words = np.where((rng.random(shape) < 0.3) & zeros, 0, words + 10 * (words == pad))
        told = {"pad": pad, "causal": causal, "blank": blank}
        tokens = np.where(kind(rng.random(shape)), pad, words).astype(dtype)
        yield Given(about, {"tokens": tokens} | {name: value for name, value in told.items() if value})
