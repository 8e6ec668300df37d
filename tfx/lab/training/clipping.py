"""What does one poisoned batch do to a training run, with and without gradient clipping?

    by norm      g <- g min(1, limit / |g|)              shorter, in the same direction
    by value     g_i <- min(max(g_i, -limit), limit)     each entry alone, so that the direction changes

In the poisoned batch the inputs are many times too large and belong to other labels.  Plain gradient descent moves by
the rate times the gradient, so that one such step can end a run.  Adam's step is bounded by the rate; but its averages
keep the huge squares for hundreds of steps, v <- 0.98 v + 0.02 g^2, and everything after is divided by their root.
Sources: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1; by value: Mikolov
2012.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.training.points import Blobs, Perceptron, Points, fit, judge
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, between, largest
from tfx.optim import SGD, Adam, Optimizer, clip_by_norm, clip_by_value, global_norm
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting
from tfx.train.loop import Clip, TrainingDiverged

QUESTION = "What does one poisoned batch do to a training run, with and without gradient clipping?"
TITLE = "One poisoned batch: direction when clipped, and loss above a sound run"
CLAIM = (
    "Clipping by norm or value tames exploding gradients: one bad batch no longer throws plain gradient descent away. "
    "By norm it keeps the direction."
)
BREAK_IT = ("--set factor=1",)
HOST_ONLY = "These networks are too small for a card."

NONE, BY_NORM, BY_VALUE = "none", "by norm", "by value"
OPTIMIZERS: dict[str, tuple[type[Any], float]] = {"SGD": (SGD, 0.3), "Adam": (Adam, 0.01)}
CLASSES = 10
GUESS = math.log(CLASSES)
#: The poisoned batch is the first step after so many; what Adam's momentum keeps of it is gone after SETTLED more.
BEFORE, SETTLED = 100, 50
#: What a bounded step may cost, in nats: a tenth of what a guess costs.
HARMLESS = GUESS / 10
#: Less than that is drawn as that.
FLOOR = 1e-4


@dataclass(frozen=True)
class Settings:
    factor: float = setting(1000.0, 1.0, 1e6, "inputs of the poisoned batch are so many times too large")
    limit: float = setting(1.0, 1e-3, 1e3, "limit of the norm, and of each entry")
    after: int = setting(200, 60, 5000, "steps after the poisoned one")
    seeds: int = setting(12, 2, 200, "runs of each kind, each with a twin that is not poisoned")

    def quick(self) -> Settings:
        """Fewer runs."""
        return replace(self, seeds=min(self.seeds, 3))

    def full(self) -> Settings:
        """More runs, followed for longer."""
        return replace(self, seeds=max(self.seeds, 50), after=max(self.after, 1000))

    def bytes_needed(self) -> float:
        """One small network and the points that judge it."""
        return 1e6


COLUMNS = (
    Column("optimizer", "optimizer"),
    Column("clipping", "clipping"),
    Column("cosine", "cosine", digits=3),
    Column("at_once", "at once", "nats", digits=3),
    Column("later", "at the end", "nats", digits=3),
    Column("settled", f"{SETTLED} steps later", "nats", digits=3, detail=True),
    Column("at_once_se", "error of at once", digits=2, detail=True),
    Column("later_se", "error at the end", digits=2, detail=True),
    Column("moved", "later way, of the twin's", digits=3, detail=True),
    Column("before", "loss before", "nats", digits=3, detail=True),
    Column("norm", "norm of the gradient", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Each run beside its twin, which saw a sound batch in that one step: what is told is the difference."""
    kinds = [(name, clipping) for name in OPTIMIZERS for clipping in (NONE, BY_NORM, BY_VALUE)]
    for name, clipping in run.over(kinds, "{0[0]}, clipping {0[1]}"):
        found = []
        for number in range(run.settings.seeds):
            run.saying(f"{name}, clipping {clipping}: run {number + 1}")(number, run.settings.seeds)
            hit, twin = (followed(run.settings, name, clipping, p, (run.seed, number)) for p in (True, False))
            found.append((hit, twin))
        at_once, at_once_se = mean_with_error(np.array([hit.at_once - twin.at_once for hit, twin in found]))
        later, later_se = mean_with_error(np.array([hit.later - twin.later for hit, twin in found]))
        yield {
            "optimizer": name,
            "clipping": clipping,
            "cosine": float(np.mean([hit.cosine for hit, _ in found])),
            "at_once": at_once,
            "at_once_se": at_once_se,
            "later": later,
            "later_se": later_se,
            "settled": float(np.mean([hit.settled - twin.settled for hit, twin in found])),
            "moved": float(np.mean([hit.moved / twin.moved for hit, twin in found])),
            "before": float(np.mean([hit.before for hit, _ in found])),
            "norm": float(np.mean([hit.norm for hit, _ in found])),
        }


# Measuring


class Followed(NamedTuple):
    """Loss on new points before the step that may be poisoned, after it, SETTLED steps later and at the end; norm of
    its gradient, and the cosine of that with what clipping left; how far the first matrix came from SETTLED steps later
    to the end.  (Offsets are not multiplied by the inputs, so that their gradient was never large.)"""

    before: float
    at_once: float
    settled: float
    later: float
    norm: float
    cosine: float
    moved: float


def followed(settings: Settings, name: str, clipping: str, poisoned: bool, seed: tuple[int, int]) -> Followed:
    """One run.  Raises nothing where it diverges: its parameters then stay as they were."""
    rng = np.random.default_rng(seed)
    blobs = Blobs(CLASSES, seed=(*seed, 1))
    new = blobs.draw(1000, rng)
    model = Perceptron(blobs.width, 32, CLASSES, rng)
    kind, rate = OPTIMIZERS[name]
    optimizer: Optimizer = kind(model)
    seen: list[tuple[float, float]] = []

    def batch(draw: np.random.Generator) -> Points:
        points = blobs.draw(32, draw)
        if poisoned and optimizer.steps == BEFORE:
            return Points(points.x * settings.factor, draw.permutation(points.labels))
        return points

    def clip(grad: np.ndarray) -> Any:
        raw = grad.copy()
        norm = clips(clipping, settings.limit)(grad)
        if optimizer.steps == BEFORE:
            seen.append((float(norm), cosine(raw, grad)))
        return norm

    fit_seed, losses, places = int(rng.integers(2**31)), [], []
    for stop in (BEFORE, BEFORE + 1, BEFORE + SETTLED, BEFORE + settings.after):
        with contextlib.suppress(TrainingDiverged), np.errstate(over="ignore", invalid="ignore"):
            fit(model, optimizer, batch, stop, rate, fit_seed, clip=clip, start=optimizer.steps)
        losses.append(judge(model, new).loss)
        places.append(model.first.w.value.copy())
    before, at_once, settled, later = losses
    return Followed(before, at_once, settled, later, *seen[0], float(global_norm(places[3] - places[2])))


def clips(clipping: str, limit: float) -> Clip:
    """The library's function of that name."""
    if clipping == NONE:
        return global_norm
    return partial(clip_by_norm if clipping == BY_NORM else clip_by_value, limit=limit)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (global_norm(a) * global_norm(b)))


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    row = {(row["optimizer"], row["clipping"]): row for row in run.rows}
    bare, adam = row["SGD", NONE], row["Adam", NONE]
    by_norm = [row[name, BY_NORM] for name in OPTIMIZERS]
    return (
        at_least("explodes", "SGD, no clipping: loss more at once, beyond a guess", GUESS, bare["at_once"]),
        at_least("stays", "... and still at the end", GUESS, bare["later"]),
        at_most("norm", "clipped by norm: loss more at once, worse optimizer", HARMLESS, most(by_norm, "at_once")),
        at_most("value", "SGD, clipped by value: loss more at the end", HARMLESS, row["SGD", BY_VALUE]["later"]),
        at_most("bounded", "Adam, no clipping: loss more at once", HARMLESS, adam["at_once"]),
        at_most("stalls", "... but it hardly moves later: of the twin's way", 0.5, adam["moved"]),
        between("moves-on", "Adam, clipped by norm, moves on: of the twin's way", 0.5, 2.0, by_norm[1]["moved"]),
        agree("direction", "by norm keeps the direction", [each["cosine"] for each in by_norm], 1.0, to=1e-9),
        at_most("turns", "by value turns it: cosine", 0.9, largest(row[n, BY_VALUE]["cosine"] for n in OPTIMIZERS)),
    )


def most(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    return largest(row[key] for row in rows)


# Saying


def prompt(run: Run[Settings]) -> str:
    return "A gradient is clipped by norm. What is its cosine with what it was?"


def question(run: Run[Settings]) -> Question:
    by_norm, by_value = run.rows[1]["cosine"], run.rows[2]["cosine"]
    return Question(prompt(run), round(by_norm, 9), 0.01, f"Cut entry by entry it is {by_value:.2f}.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    row = {(row["optimizer"], row["clipping"]): row for row in run.rows}
    bare, saved, adam = row["SGD", NONE], row["SGD", BY_NORM], row["Adam", NONE]
    return (
        Text(
            f"One poisoned batch costs plain gradient descent {bare['at_once']:,.0f} nats at once, "
            f"{saved['at_once']:.2f} when clipped by norm. Adam loses {adam['at_once']:.3f} and then crawls: "
            f"{adam['moved']:.0%} of the way that its twin goes."
        ),
        Text(
            "Adam's step is bounded by the rate, whatever the gradient. What the batch leaves behind is in its average "
            "of squares, which forgets 2% a step, so that all later steps are divided by a root that is far too large. "
            "Clipping before the average keeps it out."
        ),
        Text(
            "Clipped by norm a gradient keeps its direction (Pascanu et al. 2013, algorithm 1). Clipped by value it "
            "turns, and may still be long: its norm is at most the limit times the root of the number of entries, so "
            "the same limit is a weaker one."
        ),
        Text(
            f"The inputs of the poisoned batch are {run.settings.factor:g} times too large and their labels shuffled; "
            "a twin sees the sound batch in that step, and losses are told as the difference from it. A norm that is "
            "not finite would stop the library's trainer before it moves."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    after = [1.0, float(SETTLED), float(run.settings.after)]

    def curve(row: Mapping[str, Any]) -> Series:
        cut = row["clipping"] if row["clipping"] != NONE else "no clipping"
        losses = [max(row[key], FLOOR) for key in ("at_once", "settled", "later")]
        return Series(f"{row['optimizer']}, {cut}", after, losses)

    bare, saved = run.rows[0], run.rows[1]
    return (
        Plot(
            f"One poisoned batch costs SGD {bare['at_once']:,.0f} nats, {saved['at_once']:.2f} when clipped by norm",
            "steps after the poisoned batch",
            f"loss above the twin's (nats; {FLOOR:g} = no more)",
            tuple(curve(row) for row in run.rows[:5]),
            log_x=True,
            log_y=True,
        ),
    )
