"""A known wrong answer: what people write, why they do, and what to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfx.gradcheck.case import Problem


class Mistake(NamedTuple):
    """One mistake in `op`: either its backward or its forward is wrong.

    name: a slug that stays, for links.  says: the mistake in a few words.  why: what makes people do it.
    hint: what to look at, without the answer.  problem: inputs on which it shows.
    wrong_backward(dy, cache) -> gradients.  wrong_forward(**inputs, **fixed) -> y, without a cache.
    """

    op: str
    name: str
    says: str
    why: str
    hint: str
    problem: Callable[[np.random.Generator], Problem]
    wrong_backward: Callable[[Any, Any], Any] | None = None
    wrong_forward: Callable[..., Any] | None = None

    @property
    def id(self) -> str:
        """`softmax/inner-sum-missing`."""
        return f"{self.op}/{self.name}"

    def build(self, rng: np.random.Generator) -> Problem:
        """The problem with the wrong backward in the place of the right one.  Raises ValueError where none is wrong."""
        if self.wrong_backward is None:
            raise ValueError(f"{self.id} is a mistake of the forward")
        return self.problem(rng)._replace(backward=self.wrong_backward)
