"""What is lost when heads are taken out of a trained model: one at a time, all but one, and one after the other.

The model says texts on that repeat a random piece (tfx/data/toys/repeats.py), for which each of its two layers is
needed: the first tells every place what stood before it, the second finds where that stood.  A head is taken out by
zeroing its rows of the output map (tfx/measure/ablation.py); nothing is trained again.

A head that another can stand in for loses nothing alone.  So single losses need not add up to what a layer loses
without any head, and the order in which heads go matters.
Sources: Michel et al. 2019, "Are Sixteen Heads Really Better than One?", section 3; Voita et al. 2019, "Analyzing
Multi-Head Self-Attention: Specialized Heads Do the Heavy Lifting, the Rest Can Be Pruned".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.data.toys.repeats import Repeats
from tfx.lab.frame import Measured, Run
from tfx.measure.ablation import head_part, without
from tfx.measure.verdicts import at_least, at_most, largest, smallest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import require_divisor, setting
from tfx.train.toys import ToyRun, examine, make_model

QUESTION = "What is lost when heads are taken out of a trained model?"
TITLE = "Heads taken out of a trained model, the least missed next"
CLAIM = (
    "Taking heads out of a trained model consistently hurts, people say. It does not: half of a small model's heads "
    "can go with little loss, if the least missed goes next. A whole layer of them cannot."
)
BREAK_IT = ("--set heads=1", "--set steps=1")
HOST_ONLY = "Small models, trained in seconds: nothing for a card."

LAYERS = 2
#: A model has learned its task when it names this share of the tokens that can be known.
LEARNED = 0.95
#: A head can be spared when no more than this share of answers is lost without it.
SPARED = 0.05
#: Heads stand in for each other when a layer without any loses half as much again as its heads lose one by one; losses
#: that add up make it 1.
TIMES = 1.5
#: A layer is needed when at most this share of answers is left without its heads.
NEEDED = 0.5
#: Pruning is cheap when half of the heads take no more than this share of answers with them: half of the half that they
#: would take if all heads were missed alike ...
CHEAP = 0.25
#: ... and the order matters when half of them, taken out the other way round, leave so much less.
MORE = 0.2
TEST_TEXTS = 150
TOY = Repeats(n_symbols=8, periods=(3, 4, 5), length=12)


#: Layer and number of a head, from 0.
Head = tuple[int, int]


class TakenOut(NamedTuple):
    """order: the heads as they went; left: the share of answers that was right after each."""

    order: list[Head]
    left: list[float]


@dataclass(frozen=True)
class Settings:
    heads: int = setting(4, 1, 16, "heads in each of the two layers; they divide the width")
    width: int = setting(32, 4, 128, "numbers in a token")
    steps: int = setting(300, 1, 5000, "steps of training")
    models: int = setting(3, 1, 20, "models, each with texts of its own")

    def quick(self) -> Settings:
        """One model."""
        return replace(self, models=1)

    def full(self) -> Settings:
        """Ten models, twice the steps."""
        return replace(self, steps=2 * self.steps, models=10)

    def check(self) -> None:
        """Raises BadInput for heads that do not divide the width."""
        require_divisor("heads", self.heads, "width", self.width)

    def bytes_needed(self) -> float:
        """One model with its optimiser, and the test texts through it."""
        activations = TEST_TEXTS * TOY.length * (16 * self.width + 4 * self.heads * TOY.length)
        return 8.0 * LAYERS * (activations + 60 * self.width**2)


COLUMNS = (
    Column("model", "model", detail=True),
    Column("out", "heads out"),
    Column("head", "the last of them"),
    Column("left", "right then", digits=3),
    Column("lost", "lost without it alone", digits=2),
    Column("alone", "right with it alone", digits=2),
    Column("left_most", "right with as many out, most missed next", digits=3, detail=True),
    Column("layer_out", "right without its layer's heads", digits=2, detail=True),
    Column("whole", "right with all heads", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """A row for each head of each model; within a model, the least missed next."""
    for number in run.over(range(1, run.settings.models + 1), "model {}"):
        with blas_threads(1):  # small products: a second thread is only waited for
            yield from measure_model(run.settings, number, int(run.generator(number).integers(2**31)))


def measure_model(settings: Settings, number: int, seed: int) -> Iterator[dict[str, Any]]:
    """One model.  alone: the others of the same layer are taken out."""
    model = trained(settings, seed)
    drawn = TOY.draw(TEST_TEXTS, np.random.default_rng((seed, 0)), held_out=True)
    blocks = model.stack.blocks

    def right(*out: Head) -> float:
        with without(*(head_part(blocks[layer], head) for layer, head in out)):
            return examine(model, drawn).accuracy

    heads = [(layer, head) for layer in range(LAYERS) for head in range(settings.heads)]
    whole, least, most = right(), taken_out(heads, right, max), taken_out(heads, right, min)
    for place, (layer, head) in enumerate(least.order):
        mates = [mate for mate in heads if mate[0] == layer]
        yield {
            "model": number,
            "head": f"layer {layer + 1}, head {head + 1}",
            "lost": whole - right((layer, head)),
            "alone": right(*(mate for mate in mates if mate != (layer, head))),
            "left": least.left[place],
            "left_most": most.left[place],
            "layer_out": right(*mates),
            "whole": whole,
            "layer": layer + 1,
            "out": place + 1,
        }


def taken_out(heads: Sequence[Head], right: Callable[..., float], choose: Callable[..., Head]) -> TakenOut:
    """One head after the other; choose: max takes next the head without which most is right, min the other way."""
    order: list[Head] = []
    left: list[float] = []
    while len(order) < len(heads):
        without_each = {head: right(*order, head) for head in heads if head not in order}
        order.append(choose(without_each, key=lambda head: without_each[head]))
        left.append(without_each[order[-1]])
    return TakenOut(order, left)


def trained(settings: Settings, seed: int) -> Any:
    """A decoder of two layers; float64, so that another machine trains the same model."""
    model = make_model(
        TOY, seed, n_layers=LAYERS, n_heads=settings.heads, d_model=settings.width, max_len=TOY.length, dtype="float64"
    )
    for _ in ToyRun(TOY, model, settings.steps, seed, learning_rate=0.015, batch=32).train():
        pass
    return model


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows = run.rows
    half, other = halves(rows)
    return (
        at_least(
            "learned", "with all heads: least share of answers that is right", LEARNED, smallest(values(rows, "whole"))
        ),
        at_most(
            "spared",
            "without a model's least missed head: largest share of answers that is lost",
            SPARED,
            largest(least_missed(rows)),
        ),
        at_least(
            "stand-in", "a layer without heads loses what its heads lose one by one, times", TIMES, together(rows)
        ),
        at_most(
            "layers-needed",
            "without a layer's heads: largest share still right",
            NEEDED,
            largest(values(rows, "layer_out")),
        ),
        at_most("half", "without half of the heads, the least missed next: share lost", CHEAP, whole(rows) - half),
        at_least("order", "... against the most missed next: more is right, by", MORE, half - other),
    )


def values(rows: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [row[key] for row in rows]


def least_missed(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """What each model loses without the head that is missed least."""
    return [smallest(row["lost"] for row in rows if row["model"] == model) for model in {row["model"] for row in rows}]


def whole(rows: Sequence[Mapping[str, Any]]) -> float:
    return float(np.mean(values(rows, "whole")))


def halves(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """What is right without half of the heads, taken out one way and the other."""
    half = max(row["out"] for row in rows) // 2
    return mean_left(rows, "left", half), mean_left(rows, "left_most", half)


def mean_left(rows: Sequence[Mapping[str, Any]], key: str, out: int) -> float:
    """The mean over models when so many heads are out."""
    return float(np.mean([row[key] for row in rows if row["out"] == out]))


def together(rows: Sequence[Mapping[str, Any]]) -> float:
    """What layers lose without heads over the sum of what their heads lose one by one, which counts at least 0.001."""
    layers = {(row["model"], row["layer"]): row["whole"] - row["layer_out"] for row in rows}
    return sum(layers.values()) / float(np.maximum(sum(values(rows, "lost")), 1e-3))


# Saying


def prompt(run: Run[Settings]) -> str:
    n_heads = LAYERS * run.settings.heads
    return (
        f"Of {n_heads} heads of a trained model {n_heads // 2} are taken out, the least missed next. What share of "
        "its answers is still right?"
    )


def question(run: Run[Settings]) -> Question:
    half, other = halves(run.rows)
    return Question(prompt(run), half, 0.15, f"With the most missed next it is {other:.2f}.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """Of the first model: the first head that goes, those about the half, and the last."""
    half = run.settings.heads * LAYERS // 2
    return tuple(sorted({0, half - 1, half, 2 * half - 1}))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    rows, (half, other) = run.rows, halves(run.rows)
    lost = values(rows, "lost")
    return (
        Text(
            f"Without one head {float(np.median(lost)):.1%} of answers is lost at the median, {largest(lost):.0%} at "
            f"most. Without half of the heads, the least missed next, {half:.0%} is right; with the most missed next "
            f"{other:.0%}."
        ),
        Text(
            "So a trained model has heads to spare, as Michel et al. 2019 (section 3) and Voita et al. 2019 found in "
            f"large ones. It is not that attention does nothing: without the heads of a layer at most "
            f"{largest(values(rows, 'layer_out')):.0%} is right."
        ),
        Text(
            f"Heads stand in for each other: layers without heads lose {together(rows):.1f} times what their heads "
            "lose one by one. A small loss alone is no proof that a head does nothing, and two such heads together may "
            "lose much."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows, (half, other) = run.rows, halves(run.rows)
    n_heads = max(row["out"] for row in rows)
    taken = list(range(n_heads + 1))
    least, most = ([whole(rows), *(mean_left(rows, key, out) for out in taken[1:])] for key in ("left", "left_most"))
    return (
        Plot(
            f"With half of {n_heads} heads out {half:.0%} is right, or {other:.0%}: it depends on which go",
            f"heads taken out of {n_heads}",
            "share of answers that are right",
            (Series("least missed next", taken, least), Series("most missed next", taken, most)),
        ),
    )
