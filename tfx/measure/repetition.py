"""Repetition: why a model that always takes the likeliest token ends up saying the same thing for ever.

Greedy writing is a function: the same context gives the same next token.  A model that sees `window` tokens of V kinds
can stand in at most V^window contexts; after that many steps one has come back, and from there on everything repeats.
In practice the loop is met soon, as each repetition makes the next one likelier.  Sampling leaves the loop, at the
price of unlikely tokens.
Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", sections 4 and 5.
"""

from __future__ import annotations

import numpy as np


def repeated_share(ids: np.ndarray, n: int = 4) -> float:
    """ids: (T,) -> share of its n-grams that stood in it before, 0 to 1 ("rep-n" is the same: 1 - distinct / all).

    Raises ValueError when the text is shorter than n.
    """
    if len(ids) < n:
        raise ValueError(f"a text of {len(ids)} tokens has no {n}-gram")
    grams = [tuple(ids[i : i + n].tolist()) for i in range(len(ids) - n + 1)]
    return 1.0 - len(set(grams)) / len(grams)


def loop_period(ids: np.ndarray, repeats: int = 3) -> int | None:
    """ids: (T,) -> the smallest p such that the text ends with a piece of p tokens `repeats` times over, or None."""
    for period in range(1, len(ids) // repeats + 1):
        tail = ids[len(ids) - repeats * period :]
        if (tail[period:] == tail[:-period]).all():
            return period
    return None
