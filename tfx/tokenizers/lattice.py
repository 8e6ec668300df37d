"""All ways to cut one word into pieces, as a graph: positions are nodes, pieces are edges, a way is a path.

          the          ##             A piece with probability p is an edge of score log p.  The score of a path is
    0 ---------> 3 ----------> ...    the sum of its edges: the pieces are independent (Kudo 2018, equation 1).

There are up to 2^(n-1) paths through n characters, but every question about them is one walk over the edges:

    the best path                                  viterbi, a maximum at every node
    the sum over all paths                         forward, a logarithm of a sum at every node
    how often a piece is expected on a path        forward from the left, backward from the right
    a path drawn with its probability              forward, then a walk back from the end (filter, then sample)
    the n best paths                               viterbi with n entries at every node
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

NEVER = -math.inf


class Edge(NamedTuple):
    """The piece `id` from position `start` to `end`; `score` is the logarithm of its probability."""

    start: int
    end: int
    id: int
    score: float


class Lattice(NamedTuple):
    """edges: by start, then by end.  length: the last position; every position can be reached."""

    length: int
    edges: list[Edge]


class Path(NamedTuple):
    score: float
    edges: tuple[Edge, ...]


def lattice_of(
    text: str,
    score_of: Mapping[str, tuple[int, float]],
    longest: int,
    unknown: tuple[int, float],
) -> Lattice:
    """score_of: piece -> (id, score).  A character that is no piece gets an edge with the id and score of `unknown`."""
    edges: list[Edge] = []
    n = len(text)
    for start in range(n):
        for end in range(start + 1, min(start + longest, n) + 1):
            found = score_of.get(text[start:end])
            if found is not None:
                edges.append(Edge(start, end, *found))
            elif end == start + 1:
                edges.append(Edge(start, end, *unknown))
    return Lattice(n, edges)


def viterbi(lattice: Lattice) -> Path:
    """The path with the highest score; of equal ones that with the longer last piece, then the longer one before."""
    best = [NEVER] * (lattice.length + 1)
    best[0] = 0.0
    last: list[Edge | None] = [None] * (lattice.length + 1)
    for edge in lattice.edges:
        score = best[edge.start] + edge.score
        if score > best[edge.end]:
            best[edge.end], last[edge.end] = score, edge
    return Path(best[-1], _walk_back(lattice.length, lambda at: last[at]))


def n_best(lattice: Lattice, n: int) -> list[Path]:
    """The n paths of highest score, best first; all of them where there are fewer."""
    best: list[list[Path]] = [[] for _ in range(lattice.length + 1)]
    best[0] = [Path(0.0, ())]
    arriving = _by_end(lattice)
    for end in range(1, lattice.length + 1):
        longer = [
            Path(path.score + edge.score, (*path.edges, edge)) for edge in arriving[end] for path in best[edge.start]
        ]
        best[end] = heapq.nlargest(n, longer, key=lambda path: path.score)
    return best[-1]


def forward(lattice: Lattice, sharpness: float = 1.0) -> list[float]:
    """alpha[t]: log of the sum over all paths from 0 to t of exp(sharpness * score)."""
    alpha = [0.0]
    for edges in _by_end(lattice)[1:]:
        alpha.append(_log_sum([alpha[edge.start] + sharpness * edge.score for edge in edges]))
    return alpha


def backward(lattice: Lattice) -> list[float]:
    """beta[t]: the same for all paths from t to the end, with sharpness 1; beta[0] == alpha[length]."""
    leaving: list[list[Edge]] = [[] for _ in range(lattice.length + 1)]
    for edge in lattice.edges:
        leaving[edge.start].append(edge)
    beta = [0.0] * (lattice.length + 1)
    for start in range(lattice.length - 1, -1, -1):
        beta[start] = _log_sum([edge.score + beta[edge.end] for edge in leaving[start]])
    return beta


def expected_edges(lattice: Lattice) -> tuple[float, list[float]]:
    """-> log of the sum over all paths, and for every edge the probability that a path goes through it."""
    alpha, beta = forward(lattice), backward(lattice)
    total = alpha[-1]
    return total, [math.exp(alpha[edge.start] + edge.score + beta[edge.end] - total) for edge in lattice.edges]


def sample(lattice: Lattice, rng: np.random.Generator, temperature: float = 1.0) -> Path:
    """A path drawn with probability proportional to exp(score / temperature): 1 gives the model's own, near 0 the
    best path nearly always, large ones all paths alike."""
    sharpness = 1 / temperature
    alpha, arriving = forward(lattice, sharpness), _by_end(lattice)

    def drawn(at: int) -> Edge:
        chances = [math.exp(alpha[edge.start] + sharpness * edge.score - alpha[at]) for edge in arriving[at]]
        return arriving[at][bisect.bisect(list(itertools.accumulate(chances))[:-1], rng.random() * math.fsum(chances))]

    edges = _walk_back(lattice.length, drawn)
    return Path(sum(edge.score for edge in edges), edges)


def _by_end(lattice: Lattice) -> list[list[Edge]]:
    arriving: list[list[Edge]] = [[] for _ in range(lattice.length + 1)]
    for edge in lattice.edges:
        arriving[edge.end].append(edge)
    return arriving


def _walk_back(end: int, edge_into: Callable[[int], Edge | None]) -> tuple[Edge, ...]:
    edges: list[Edge] = []
    while end > 0:
        edge = edge_into(end)
        if edge is None:
            raise ValueError(f"no path reaches position {end}")
        edges.append(edge)
        end = edge.start
    return tuple(reversed(edges))


def _log_sum(scores: Sequence[float]) -> float:
    highest = max(scores, default=NEVER)
    if highest == NEVER:
        return NEVER
    return highest + math.log(sum(math.exp(score - highest) for score in scores))
