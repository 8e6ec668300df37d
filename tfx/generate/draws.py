"""Chance: draws from a distribution by a seed, and the exact distribution of everything that a procedure can return.

A procedure that takes all its chance from `draws.token(probabilities)` and `draws.happens(probability)` can be run in
two ways.  With Draws it is run once, and the same seed gives the same result.  With `exact_distribution` it is run once
for every path that its draws can take, and the probabilities of paths with the same result are added up.  That is how
sampling procedures are proved here: not by statistics but by counting everything, on a vocabulary of a few tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from tfx.arguments import number, whole_number

Result = TypeVar("Result", bound=Hashable)


class Chance(Protocol):
    """Where a procedure takes its random choices from."""

    def token(self, probabilities: np.ndarray) -> int:
        """probabilities: (V,) -> an id, each as often as its probability says."""

    def happens(self, probability: float) -> bool:
        """True as often as the probability says."""


class Draws:
    """Random choices from a seed.  stream: rows of one batch draw from streams 0, 1, 2 ... of one seed."""

    def __init__(self, seed: int, stream: int = 0) -> None:
        whole_number("seed", seed, 0)
        self._rng = np.random.default_rng([seed, stream])

    def token(self, probabilities: np.ndarray) -> int:
        """One uniform number, looked up among the running sums; an id of probability 0 is never drawn.

        Raises ValueError where there is nothing to draw: no probability above 0, one below, or NaN.
        """
        if not probabilities.size or not probabilities.min() >= 0 or not probabilities.max() > 0:
            raise ValueError(f"probabilities are 0 or more, and one of them above 0, not {probabilities}")
        sums = np.cumsum(probabilities, dtype=np.float64)
        found = int(np.searchsorted(sums, self._rng.random() * sums[-1], side="right"))
        return min(found, int(np.flatnonzero(probabilities)[-1]))  # u * total may round up to the total

    def happens(self, probability: float) -> bool:
        """One uniform number below the probability; 0 never happens, and 1 always does."""
        number("probability", probability, 0, 1)
        return bool(self._rng.random() < probability)


class _Replay:
    """Takes the choices of a path as far as it goes, then always the first; remembers the choices there were."""

    def __init__(self, path: Sequence[int]) -> None:
        self._path = path
        self.taken: list[int] = []
        self.options: list[np.ndarray] = []

    def token(self, probabilities: np.ndarray) -> int:
        at = len(self.taken)
        choice = self._path[at] if at < len(self._path) else int(np.flatnonzero(probabilities)[0])
        self.taken.append(choice)
        self.options.append(np.array(probabilities, dtype=np.float64))
        return choice

    def happens(self, probability: float) -> bool:
        return bool(self.token(np.array([1.0 - probability, probability])))


def exact_distribution(run: Callable[[Chance], Result]) -> dict[Result, float]:
    """The probability of everything that `run(draws)` can return.

    run is called once for every path, so keep vocabularies and lengths tiny; it must do the same for the same draws.
    """
    found: dict[Result, float] = {}
    waiting: list[list[int]] = [[]]
    while waiting:
        path = waiting.pop()
        replay = _Replay(path)
        result = run(replay)
        probability = 1.0
        for at, (choice, options) in enumerate(zip(replay.taken, replay.options, strict=True)):
            probability *= float(options[choice])
            if at >= len(path):  # the first choice was taken here; the others are paths of their own
                others = [int(other) for other in np.flatnonzero(options) if other != choice]
                waiting.extend([*replay.taken[:at], other] for other in others)
        found[result] = found.get(result, 0.0) + probability
    return found
