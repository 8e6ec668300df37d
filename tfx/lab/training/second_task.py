"""A second task after a first: how well the first is still known on the way, and what keeps it.

Points around centres, two tasks with centres of their own and the same names of classes.  A small network that knows
the first task learns the second:

    all weights     the loss of the second task alone
    small rate      the same, at a tenth of the rate
    rehearsal       half of the batches are of the first task
    penalty         the loss of the second task + strength / 2 |w - w_before|^2
    own head        the body is frozen, and the second task gets a head of its own; the old one is kept

`moved_by_depth` tells how far each layer of an encoder moves, under rates that fall from layer to layer or while layers
thaw one after the other.  `few_examples` tunes on a few examples drawn anew, for how much the result varies.
Sources: McCloskey and Cohen 1989; rehearsal: Robins 1995; a penalty towards old weights, each weighed by its
importance: Kirkpatrick et al. 2017, "Overcoming catastrophic forgetting in neural networks"; rates and thawing: Howard
and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", sections 3.2 and 3.3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from tfx.lab.training.points import Blobs, Perceptron, Points, drawn_from, fit, judge, points_loss
from tfx.models import Encoder
from tfx.nn.linear import Linear
from tfx.optim import Adam, GroupedOptimizer, depth_of
from tfx.optim.grouped import Factor
from tfx.schedule import constant
from tfx.train.loop import LossValue, train
from tfx.train.losses import LabelledBatch, labelling_loss
from tfx.train.rehearsal import rehearsed
from tfx.tuning import Part

ALL, SLOW, REHEARSAL, PENALTY, OWN_HEAD = "all weights", "small rate", "rehearsal", "penalty", "own head"
WAYS = (ALL, SLOW, REHEARSAL, PENALTY, OWN_HEAD)
CLASSES, WIDTH, HIDDEN, FIRST, RATE, JUDGED, BLOCKS = 5, 16, 32, 100, 0.01, 1000, 3
FEW_STEPS = 40


class Known(NamedTuple):
    """Shares right of new points of the first task and of the second, after so many steps of the second."""

    step: int
    first: float
    second: float


def learnt_after(way: str, looks: tuple[int, ...], seed: int, strength: float = 0.1) -> list[Known]:
    """What is known after each of `looks` steps of the second task, in rising order; the first may be 0.

    strength: of the penalty.
    """
    tasks = [Blobs(CLASSES, WIDTH, 0.7, seed=(seed, 7, task)) for task in range(2)]
    new = [task.draw(JUDGED, np.random.default_rng((seed, 8, number))) for number, task in enumerate(tasks)]
    first, second = (partial(task.draw, 32) for task in tasks)
    model = Perceptron(WIDTH, HIDDEN, CLASSES, np.random.default_rng(0))
    model.load_state(knows_first(seed))
    old_head, own_head = model.second, Linear(HIDDEN, CLASSES, np.random.default_rng((seed, 10)), dtype="float64")
    part: Any = model
    if way == OWN_HEAD:
        model.second = own_head
        part = Part(model, lambda name: name.startswith("second."))
    loss = penalised(model, strength) if way == PENALTY else points_loss()
    batches = rehearsed(second, first, 0.5) if way == REHEARSAL else second
    rate = partial(constant, learning_rate=RATE / 10 if way == SLOW else RATE)
    optimizer, found, at = Adam(part), [], 0
    for look in looks:
        for _ in train(model, batches, loss, optimizer, rate, look, None, seed + 1, at):
            pass
        at = max(at, look)
        here = model.second
        right_second = judge(model, new[1]).accuracy
        model.second = old_head if way == OWN_HEAD else here
        found.append(Known(look, judge(model, new[0]).accuracy, right_second))
        model.second = here
    return found


@lru_cache(maxsize=64)
def knows_first(seed: int) -> dict[str, np.ndarray]:
    """The weights of a network that has learnt the first task; not to be changed."""
    model = Perceptron(WIDTH, HIDDEN, CLASSES, np.random.default_rng((seed, 9)))
    fit(model, Adam(model), partial(Blobs(CLASSES, WIDTH, 0.7, seed=(seed, 7, 0)).draw, 32), FIRST, RATE, seed)
    return model.state()


def penalised(model: Perceptron, strength: float) -> Callable[[Perceptron, Points, Any], LossValue]:
    """The mean cross-entropy + strength / 2 |w - w as it is now|^2, over all numbers of the model."""
    before = {name: parameter.value.copy() for name, parameter in model.parameters().items()}
    plain = points_loss()

    def loss(model: Perceptron, batch: Points, rng: Any) -> LossValue:
        value = plain(model, batch, rng)
        total = value.loss
        for name, parameter in model.parameters().items():
            moved = parameter.value - before[name]
            total += 0.5 * strength * float((moved * moved).sum())
            parameter.grad += strength * moved
        return LossValue(total, value.tokens)

    return loss


def moved_by_depth(factor: Factor, steps: int, seed: int) -> list[float]:
    """|w - w before| / |w before| of what stands before the blocks, of each block, and of the rest, in float64.

    factor(depth, step): what the rate of a layer is multiplied by.  The task: write a text from back to front.
    """
    model = Encoder(8, WIDTH, 2, HIDDEN, BLOCKS, tied=False, activation="relu", dtype="float64", seed=seed)
    depth = depth_of(model)
    before = {name: parameter.value.copy() for name, parameter in model.parameters().items()}

    def batch(rng: np.random.Generator) -> LabelledBatch:
        ids = rng.integers(8, size=(8, 6))
        return LabelledBatch(ids, ids[:, ::-1].copy())

    optimizer = GroupedOptimizer(model, Adam, depth, factor)
    for _ in train(model, batch, labelling_loss(), optimizer, partial(constant, learning_rate=0.003), steps, seed=seed):
        pass
    found = []
    for layer in range(BLOCKS + 2):
        names = [name for name in before if depth(name) == layer]
        moved = sum(float(((model.parameters()[name].value - before[name]) ** 2).sum()) for name in names)
        found.append((moved / sum(float((before[name] ** 2).sum()) for name in names)) ** 0.5)
    return found


def few_examples(examples: int, runs: int, seed: int) -> list[float]:
    """Shares right of new points after a network that knows a task near the second is tuned on so many examples of it.

    Each run has examples and an order of its own; the network they start from, and the points asked, are the same.
    """
    first = Blobs(CLASSES, WIDTH, 0.7, seed=(seed, 11))
    second = Blobs(CLASSES, WIDTH, 1.3, seed=first.seed)
    start = Perceptron(WIDTH, HIDDEN, CLASSES, np.random.default_rng((seed, 12)))
    fit(start, Adam(start), partial(first.draw, 64), 60, RATE, seed)
    new, found = second.draw(JUDGED, np.random.default_rng((seed, 13))), []
    for run in range(runs):
        model = Perceptron(WIDTH, HIDDEN, CLASSES, np.random.default_rng(0))
        model.load_state(start.state())
        few = second.draw(examples, np.random.default_rng((seed, 14, run)))
        fit(model, Adam(model), drawn_from(few), FEW_STEPS, RATE, seed + run)
        found.append(judge(model, new).accuracy)
    return found
