"""Language models that are tables: what follows depends on the last two tokens, so everything can be counted."""

from __future__ import annotations

from itertools import product

import numpy as np

from tfx.generate import WholePass
from tfx.generate.shaping import probabilities_of


def table(n_tokens: int, seed: int, spread: float = 1.0) -> np.ndarray:
    """Logits (V, V, V): of the next token after the last two."""
    return spread * np.random.default_rng(seed).standard_normal((n_tokens, n_tokens, n_tokens))


def reader_of_table(logits: np.ndarray) -> WholePass:
    """In front of a text stands the token 0."""

    def logits_of(ids: np.ndarray, left_padding: np.ndarray | None) -> np.ndarray:
        before = np.concatenate([np.zeros((len(ids), 1), dtype=np.int64), ids[:, :-1]], axis=1)
        return logits[before, ids]

    return WholePass(logits_of, window=2)  # it never needs to see more


def next_of(logits: np.ndarray, text: list[int]) -> np.ndarray:
    """(V,) probabilities after a text."""
    before = text[-2] if len(text) > 1 else 0
    return probabilities_of(logits[before, text[-1]][None])[0]


def distribution_of_texts(logits: np.ndarray, prompt: list[int], n: int, end: int | None = None) -> dict:
    """Every text of up to n new tokens with its probability, by the chain rule."""
    found: dict[tuple[int, ...], float] = {}
    for ids in product(range(logits.shape[-1]), repeat=n):
        probability, text = 1.0, list(prompt)
        for token in ids:
            probability *= next_of(logits, text)[token]
            text.append(token)
            if token == end:
                break
        found[tuple(text[len(prompt) :])] = probability
    return found
