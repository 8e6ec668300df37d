"""What a toy task is: a drawer of sequences with answers, some of which training never sees.

    Places     one sequence; at the places where `asked` is True a model has to name the target
    Pairs      one sequence to read, another one to write

Its `kind` says who can learn it:

    label      a model that sees the whole sequence names the target of a place
    continue   one that sees only the left does, so that the target of a place is the token after it
    rewrite    one model reads the first sequence, and writes the second
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from tfx.data.held_out import is_held_out

Rng = np.random.Generator
Kind = Literal["label", "continue", "rewrite"]


class Places(NamedTuple):
    """ids, targets: (B, T) int64; asked: (B, T) bool.  Where nothing is asked the target may be any token."""

    ids: np.ndarray
    targets: np.ndarray
    asked: np.ndarray


class Pairs(NamedTuple):
    """src: (B, S) int64; tgt: (B, T + 1) int64, the start token first."""

    src: np.ndarray
    tgt: np.ndarray


class Toy(ABC):
    """n_tokens: what ids count to; `draw` gives n rows, all of them held out from training or none."""

    kind: ClassVar[Kind]

    @property
    @abstractmethod
    def n_tokens(self) -> int: ...
    @abstractmethod
    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Any: ...


class PlacesToy(Toy):
    """Questions about places.  n_answers: what targets count to, the tokens unless a toy says otherwise."""

    @property
    def n_answers(self) -> int:
        return self.n_tokens

    @abstractmethod
    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places: ...


class LabelToy(PlacesToy):
    kind = "label"


class ContinueToy(PlacesToy):
    kind = "continue"


class PairsToy(Toy):
    """A rewriting: one vocabulary for both sides, with the start token."""

    kind = "rewrite"

    @abstractmethod
    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Pairs: ...


def one_side(
    n: int, rng: Rng, held_out: bool, draw: Callable[[int, Rng], tuple[np.ndarray, ...]]
) -> tuple[np.ndarray, ...]:
    """n rows of what `draw(count, rng)` gives, all held out or all not, by the hash of the first array's rows."""
    kept: list[tuple[np.ndarray, ...]] = []
    found = 0
    while found < n:
        drawn = draw(8 * n if held_out else n, rng)
        chosen = is_held_out(drawn[0]) == held_out
        kept.append(tuple(part[chosen] for part in drawn))
        found += int(chosen.sum())
    return tuple(np.concatenate(parts)[:n] for parts in zip(*kept, strict=True))


def next_tokens(rows: np.ndarray, first_asked: int) -> Places:
    """rows: (B, T + 1) whole sequences -> every token from place `first_asked` on is asked of the tokens before it."""
    ids, targets = rows[:, :-1], rows[:, 1:]
    asked = np.broadcast_to(np.arange(1, rows.shape[1]) >= first_asked, ids.shape)
    return Places(ids, targets, asked)
