"""Claims about optimizers: in which precision they compute, what they follow, what they keep."""

from __future__ import annotations

import functools
import math

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.lab.training import optimizer_steps as steps
from tfx.lab.training.loss_scaling import updated
from tfx.lab.training.optimizers import state_numbers
from tfx.measure.verdicts import agree, at_least, at_most, exactly, within
from tfx.nn.linear import Linear
from tfx.optim.adafactor import kept_shapes

SECTION = "Training and optimisation"


@claim(
    "C235", "Mixed precision computes forward in float16 and gradients in float32.", where="D0:1336",
    verdict="does not hold",
    why="both passes are in float16; the master copy of the weights and the state of the optimizer are in float32, "
    "so that small updates are not rounded away.",
    experiment="loss-scaling", paper="Micikevicius et al. 2018, section 3.1",
)  # fmt: skip
def mixed_precision(trial: Trial) -> Evidence:
    layer = Linear(4, 3, trial.generator(), dtype="float16")
    y, cache = layer.forward(np.ones((2, 4), "float16"))
    layer.backward(y, cache)
    yield contradicts(exactly("gradient", "type of a gradient in float16 training", "float16", str(layer.w.grad.dtype)))
    yield exactly("half", "a float16 weight of 1 after 1000 updates of 0.0001", 1.0, updated(1000, 1e-4, master=False))
    yield within("master", "... with a float32 copy", 1.1, updated(1000, 1e-4, True), 1e-3)


@claim(
    "C236", "Scaling the loss keeps small gradients from becoming zero in float16.", where="D1:683 D0:1338",
    verdict="holds",
    why="a scale lifts them into the range. One that is too large overflows instead, so it is adapted.",
    experiment="loss-scaling", paper="Micikevicius et al. 2018, section 3.2",
)  # fmt: skip
def loss_scaling(trial: Trial) -> Evidence:
    row = {row["scale"]: row for row in trial.rows("loss-scaling", scales=(0, 10, 24), steps=1)}
    yield supports(within("lost", "share of gradients from 1e-10 to 1e-2 lost unscaled", 0.31, row[0]["flushed"], 0.02))
    yield supports(exactly("saved", "... with scale 1024, lost below 3e-11", 0.0, row[10]["flushed"]))
    yield within("overflow", "share that overflows at scale 2^24", 0.05, row[24]["overflowed"], 0.02)


@functools.lru_cache(maxsize=16)
def shrunk(trial: Trial, decoupled: bool, scale: float) -> float:
    """How far decay 0.1 pulls numbers of 1 to 0 in 400 steps of 0.005 under noise of that scale: mean share."""
    return steps.shrunk(decoupled, scale, lambda: trial.generator(3))


@claim(
    "C237", "AdamW takes weight decay apart from the gradient.", where="D0:1294", verdict="holds",
    why="it shrinks weights alike whatever the scale of the gradients; an l2 term in Adam is divided by that scale.",
    experiment="optimizers", paper="Loshchilov and Hutter 2019, proposition 2",
)  # fmt: skip
def decoupled(trial: Trial) -> Evidence:
    apart, inside = ([shrunk(trial, way, scale) for scale in (0.01, 1.0, 100.0)] for way in (True, False))
    yield supports(
        within("same", "AdamW: shrinkage under gradients of 0.01 over that of 100", 1.0, apart[0] / apart[2], 1e-3)
    )
    yield supports(at_least("depends", "l2 inside Adam: the same", 10.0, inside[0] / inside[2]))


@claim(
    "C239", "Lion moves by the sign of the gradient.", where="D0:1299", verdict="does not hold",
    why="by the sign of an average of momentum and gradient, which is often another one where gradients are noisy.",
    experiment="optimizers", paper="Chen et al. 2023, program 1",
)  # fmt: skip
def lion_moves(trial: Trial) -> Evidence:
    differs, moves = steps.against_the_sign(trial.generator(4))
    yield contradicts(at_least("differs", "share of moves against the gradient's sign", 0.1, differs))
    yield agree("length", "every move has the length of the rate", np.abs(moves), 0.01)


@claim(
    "C240", "Lion takes less memory than Adam.", where="D0:1297 D0:1300", verdict="holds",
    why="it keeps one average in place of two: 400 MB in place of 800 MB for 100 million parameters in float32.",
    experiment="optimizers", paper="Chen et al. 2023",
)  # fmt: skip
def lion_memory(trial: Trial) -> Evidence:
    yield supports(exactly("lion", "numbers that Lion keeps for each parameter", 1.0, state_numbers("Lion")))
    yield supports(exactly("adam", "... and Adam", 2.0, state_numbers("Adam")))


@claim(
    "C241", "Adafactor cuts the memory of the optimizer.", where="D0:1303", verdict="holds",
    why="it keeps sums of rows and columns: 0.08 MB in place of 400 for a matrix of 10,000 by 10,000. What it rebuilds "
    "from them is exact for squares of rank one alone.",
    experiment="optimizers", paper="Shazeer and Stern 2018, section 3",
)  # fmt: skip
def adafactor_memory(trial: Trial) -> Evidence:
    kept = sum(math.prod(shape) for shape in kept_shapes((10_000, 10_000)).values())
    yield supports(
        within("kept", "megabytes for 10,000 by 10,000 numbers, second moments alone", 0.08, 4e-6 * kept, 1e-9)
    )
    rng = trial.generator(5)
    rank_one = np.outer(abs(rng.standard_normal(20)) + 0.1, abs(rng.standard_normal(30)) + 0.1)
    yield at_most("rank-one", "error of rebuilt squares of rank one", 1e-12, steps.rebuilt_error(rank_one))
    yield at_least(
        "others", "... of squares without such a form", 0.1, steps.rebuilt_error(rng.standard_normal((20, 30)))
    )
