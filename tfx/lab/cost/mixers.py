"""Four ways to mix tokens, and what of their weights depends on what stands in the text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfx.efficient.synthesizer import dense_synthesizer_forward, random_synthesizer_forward
from tfx.ops.attention.self_attention import self_attention_forward

#: (T, C) -> (T, T) weights, a row for each output.
Mixer = Callable[[np.ndarray], np.ndarray]


def fourier_weights(n: int) -> np.ndarray:
    """-> (n, n): the real part of the Fourier matrix; what FNet does to one feature that is the mean over features."""
    places = np.arange(n)
    return np.asarray(np.cos(2 * np.pi * np.outer(places, places) / n))


def mixers(n: int, c: int, rng: np.random.Generator) -> dict[str, Mixer]:
    """Untrained attention, dense and random Synthesizer, and FNet's transform, for n tokens of width c."""
    maps = [rng.standard_normal((c, c)) / np.sqrt(c) for _ in range(3)]
    w1, w2, scores = rng.standard_normal((c, c)) / np.sqrt(c), rng.standard_normal((c, n)), rng.standard_normal((n, n))
    b1, b2 = np.zeros((1, c)), np.zeros((1, n))
    return {
        "attention": lambda x: self_attention_forward(x[None], *maps)[1].attention.weights[0],
        "dense Synthesizer": lambda x: dense_synthesizer_forward(x, np.eye(n), w1, b1, w2, b2)[0],
        "random Synthesizer": lambda x: random_synthesizer_forward(np.eye(n), scores)[0],
        "FNet": lambda x: fourier_weights(n),
    }


def rows_moved(mixer: Mixer, x: np.ndarray, token: int) -> int:
    """How many rows of weights change when that token becomes another."""
    other = x.copy()
    other[token] = -x[token] + 1.0
    return int((abs(mixer(other) - mixer(x)).max(axis=1) > 1e-12).sum())


def looked_up(pick: Callable[[np.ndarray, int], np.ndarray], n: int, texts: int, rng: np.random.Generator) -> float:
    """The share of texts in which the value of the asked key has the largest mixed weight.

    A text has n keys in any order, with a value each; pick(order, asked) -> (n,) weights over the places.
    """
    right = 0
    for _ in range(texts):
        order, values, asked = rng.permutation(n), rng.permutation(n), int(rng.integers(n))
        mixed = np.zeros(n)
        np.add.at(mixed, values, pick(order, asked))
        right += int(mixed.argmax()) == values[list(order).index(asked)]
    return right / texts
