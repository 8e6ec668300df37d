"""Programs in their smallest form: expressions with brackets, as a language to complete.

    (a+b)*c;      a*(b+(c-a));        random trees, written out, ended by ";" and filled up with it

A completion is right when the whole parses as Python (`is_expression`): every bracket closed, operators only between
operands.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import ContinueToy, Places, Rng, next_tokens, one_side

SYMBOLS = ";()+-*abc"
END = 0


@dataclass(frozen=True)
class Expressions(ContinueToy):
    """max_operators: of one expression; rows have the length of the longest, filled up with the end token."""

    max_operators: int = 3

    @property
    def n_tokens(self) -> int:
        return len(SYMBOLS)

    @property
    def length(self) -> int:
        return 4 * self.max_operators + 2  # every operator brings an operand and at most two brackets, then the end

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, length); begins with the end token, as a text after another one."""

        def rows(count: int, rng: Rng) -> tuple[np.ndarray]:
            texts = (_write(int(rng.integers(self.max_operators + 1)), rng) for _ in range(count))
            ids = [[END, *map(SYMBOLS.index, text.ljust(self.length, ";"))] for text in texts]
            return (np.array(ids),)

        (ids,) = one_side(n, rng, held_out, rows)
        return next_tokens(ids, 1)


def is_expression(text: str) -> bool:
    """Whether what stands before the first ";" is an expression, and there is one."""
    before, end, _ = text.partition(";")
    try:
        ast.parse(before, mode="eval")
    except SyntaxError:
        return False
    return bool(end) and bool(before)


def spelled(ids: np.ndarray) -> str:
    """ids: (T,) -> text."""
    return "".join(SYMBOLS[i] for i in ids.tolist())


def _write(n_operators: int, rng: Rng) -> str:
    if n_operators == 0:
        return str(rng.choice(list("abc")))
    left = int(rng.integers(n_operators))
    text = _write(left, rng) + str(rng.choice(list("+-*"))) + _write(n_operators - 1 - left, rng)
    return f"({text})" if rng.integers(2) else text
