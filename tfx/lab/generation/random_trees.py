"""Language models of which everything can be counted: after every beginning of a text stands its own random softmax.

With V tokens and texts of n there are V^n texts and about V^n / (V - 1) beginnings.  Nothing is shared between two
beginnings, so what is likely at first says nothing about what follows it: the hardest case for a search that looks one
token ahead.  With an end token every beginning ends with the same probability.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.generate import WholePass
from tfx.ops.basics.log_softmax import log_softmax_forward

#: The prompt: a token in front of every text, which is not one of the V.
START = 0


class Tree(NamedTuple):
    """log_p: for each place t the log-probabilities (V^t, V) of the next token, (V^t, V + 1) with an end token."""

    n_tokens: int
    log_p: tuple[np.ndarray, ...]


def draw_tree(rng: np.random.Generator, n_tokens: int, length: int, spread: float, end: float = 0.0) -> Tree:
    """spread: standard deviation of the scores; end: the probability that a text ends here, by token n_tokens."""
    places = []
    for t in range(length):
        log_p = log_softmax_forward(spread * rng.standard_normal((n_tokens**t, n_tokens)))[0]
        if end:
            ending = np.full((len(log_p), 1), np.log(end))
            log_p = np.concatenate([log_p + np.log1p(-end), ending], axis=1)
        places.append(log_p)
    return Tree(n_tokens, tuple(places))


def reader_of_tree(tree: Tree) -> WholePass:
    """The model, for what continues the prompt [START]."""

    def logits_of(ids: np.ndarray, left_padding: np.ndarray | None) -> np.ndarray:
        node = np.zeros(len(ids), dtype=np.int64)
        found = [tree.log_p[0][node]]
        for t in range(1, ids.shape[1]):
            node = node * tree.n_tokens + ids[:, t]
            found.append(tree.log_p[t][node])
        return np.stack(found, axis=1)

    return WholePass(logits_of)


def all_log_probabilities(tree: Tree) -> np.ndarray:
    """(V^n,): of every text of a tree without an end token, by the chain rule alone."""
    total = np.zeros(1)
    for log_p in tree.log_p:
        total = (total[:, None] + log_p).ravel()
    return total
