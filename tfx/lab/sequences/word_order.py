"""What is lost with the order of words: how many orders share one bag, and which questions their counts can answer.

The sentences say who bit whom: three words, animal bit animal, the two never alike and every pair as likely in either
order.  Three ways to turn one into numbers are offered to a linear read-out:

    counts       how often each word stands in it                   (V,)
    neighbours   how often each ordered pair stands side by side    (V V,)
    places       each word at its place, one-hot                    (T V,)

Source: Harris 1954, "Distributional Structure" (the bag of words).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from tfx.measure.linear_probe import LinearProbe
from tfx.ops.basics.embedding import one_hot


def orders(elements: Sequence[Hashable]) -> int:
    """How many different sequences the same elements make: T! over the factorials of how often each occurs."""
    return math.factorial(len(elements)) // math.prod(math.factorial(n) for n in Counter(elements).values())


def counts(ids: np.ndarray, vocabulary: int) -> np.ndarray:
    """ids: (N, T) -> (N, V): how often each word stands in each sentence."""
    return np.asarray(one_hot(ids, vocabulary, int).sum(axis=1))


def neighbours(ids: np.ndarray, vocabulary: int) -> np.ndarray:
    """ids: (N, T) -> (N, V V): how often each ordered pair of words stands side by side."""
    return counts(ids[:, :-1] * vocabulary + ids[:, 1:], vocabulary * vocabulary)


def places(ids: np.ndarray, vocabulary: int) -> np.ndarray:
    """ids: (N, T) -> (N, T V): a one-hot row for each place, side by side."""
    return np.asarray(one_hot(ids, vocabulary, int).reshape(len(ids), -1))


READERS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "counts of words": counts, "counts of neighbours": neighbours, "words at places": places,
}  # fmt: skip


def who_bit_whom(rng: np.random.Generator, animals: int, sentences: int) -> np.ndarray:
    """(sentences, 3): the ids of animal, "bit" (the last id) and another animal, evenly drawn."""
    first = rng.integers(animals, size=sentences)
    second = (first + rng.integers(1, animals, size=sentences)) % animals
    return np.stack([first, np.full(sentences, animals), second], axis=1)


def answered(rng: np.random.Generator, animals: int, sentences: int) -> dict[str, tuple[float, float]]:
    """reader -> the shares of two questions answered right: does animal 0 occur, and who bit.

    A linear read-out learns each on one half of the sentences and is asked about the other.
    """
    ids, half = who_bit_whom(rng, animals, sentences), sentences // 2
    asked = ((ids == 0).any(axis=1).astype(int), ids[:, 0])
    found = {}
    for name, reader in READERS.items():
        x = reader(ids, animals + 1)
        there, biter = (LinearProbe(x[:half], y[:half]).accuracy(x[half:], y[half:]) for y in asked)
        found[name] = (there, biter)
    return found
