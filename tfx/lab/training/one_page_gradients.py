"""The gradients of the one-page GPT: all of its tensors against differences, the two uses of its table, and descent.

A letter is a token: a to z, and the blank.  The loss is that of each letter's successor, a mean in nats.
Sources: Rumelhart et al. 1986, "Learning representations by back-propagating errors"; Press and Wolf 2017, "Using the
Output Embedding to Improve Language Models" (one table at both ends).
"""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_lowercase
from typing import Any

import numpy as np

from tfx.gradcheck.check import check_gradients
from tfx.gradcheck.report import Report
from tfx.models.one_page_gpt import Named, gpt_backward, gpt_forward, initial_parameters
from tfx.ops.basics.embedding import tied_logits_backward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

ALPHABET = ascii_lowercase + " "
HEADS = 2

Backward = Callable[[Any, Any], Named]


def ids_of(text: str) -> np.ndarray:
    """(1, letters) integers.  Raises ValueError at a letter that is not in the alphabet."""
    return np.array([[ALPHABET.index(letter) for letter in text]])


def small_gpt(places: int, width: int, layers: int, seed: int) -> Named:
    """Parameters as they start, in float64."""
    return initial_parameters(len(ALPHABET), places, width, 4 * width, layers, np.random.default_rng(seed))


def moved(w: Named, seed: int, by: float = 0.3) -> Named:
    """Each number moved by a random one: a gain of 1 and an offset of 0 would hide mistakes."""
    rng = np.random.default_rng((seed, 1))
    return {name: value + by * rng.standard_normal(value.shape) for name, value in w.items()}


def loss_of(ids: np.ndarray, w: Named) -> float:
    """The mean over places of -log of the chance of the next letter."""
    return float(cross_entropy_forward(gpt_forward(ids[:, :-1], w, HEADS)[0], ids[:, 1:])[0])


def gradients_of(ids: np.ndarray, w: Named, backward: Backward = gpt_backward) -> Named:
    """The gradient of the loss for every tensor.  backward: of the whole model."""
    logits, cache = gpt_forward(ids[:, :-1], w, HEADS)
    _, loss = cross_entropy_forward(logits, ids[:, 1:])
    return backward(cross_entropy_backward(1.0, loss), cache)


def every_tensor(ids: np.ndarray, w: Named, backward: Backward = gpt_backward, seed: int = 0) -> Report:
    """Each tensor along a random direction, which sees all its numbers, against differences of the loss."""

    def forward(**given: Any) -> tuple[float, Named]:
        return loss_of(ids, given), given

    def back(dloss: Any, given: Named) -> Named:
        return {name: dloss * gradient for name, gradient in gradients_of(ids, given, backward).items()}

    return check_gradients(forward, back, w, seed=seed, directions=1)


def two_uses(ids: np.ndarray, w: Named) -> tuple[np.ndarray, np.ndarray]:
    """What the table E gets as output, and what it gets as look-up: (letters, C) each; their sum is its gradient."""
    logits, cache = gpt_forward(ids[:, :-1], w, HEADS)
    _, loss = cross_entropy_forward(logits, ids[:, 1:])
    dlogits = cross_entropy_backward(1.0, loss)
    _, output = tied_logits_backward(dlogits, cache[-1])  # logits = x E^T
    blind = cache[-1]._replace(x=0 * cache[-1].x)  # the same gradient for x, none for the table as output
    return output, gpt_backward(dlogits, (*cache[:-1], blind))["E"]  # x = E[ids]


def two_tables(ids: np.ndarray, w: Named, seed: int = 0) -> Report:
    """`two_uses` against differences of a model that has a table for each use, with the same numbers in both."""

    def forward(output: Any, look_up: Any) -> tuple[float, None]:
        _, cache = gpt_forward(ids[:, :-1], w | {"E": look_up}, HEADS)
        return float(cross_entropy_forward(cache[-1].x @ output.T, ids[:, 1:])[0]), None

    def back(dloss: Any, cache: None) -> tuple[np.ndarray, ...]:
        return tuple(dloss * part for part in two_uses(ids, w))

    return check_gradients(forward, back, {"output": w["E"], "look_up": w["E"].copy()}, seed=seed, directions=2)


def descend(ids: np.ndarray, w: Named, steps: int, rate: float, backward: Backward = gpt_backward) -> list[float]:
    """The loss before each step and after the last: each number moves by -rate times its gradient."""
    losses = []
    for _ in range(steps):
        losses.append(loss_of(ids, w))
        w = {name: w[name] - rate * gradient for name, gradient in gradients_of(ids, w, backward).items()}
    return [*losses, loss_of(ids, w)]
