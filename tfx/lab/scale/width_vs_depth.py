"""Width against depth: does it matter whether the same number of parameters stands side by side or one after another?

    two steps     find the key, then read what stands beside it            key value key value <ask> key key
    one step      write the tokens backwards: every place looks at one other place

Encoders of equal size, one wide layer or several narrow ones (tfx/lab/scale/width_and_depth.py), learn both tasks with
the same steps, from the same seeds.  The second task is the control: where one step is enough, a second layer should
not be needed.  The layers have two heads: with more of them a single layer finds more often how to do without the
second step in such short texts, one head for each place that holds a value, and the network behind picks one of these.
Sources: Tay et al. 2022, "Scale Efficiently"; Levine et al. 2020, "Limits to Depth Efficiencies of Self-Attention".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from tfx.data.toys.lookup import Lookup
from tfx.data.toys.tasks import TASKS
from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.lab.scale.width_and_depth import Shape, block_parameters, same_size
from tfx.measure.estimates import mean_with_error
from tfx.measure.paired import Difference, paired_difference
from tfx.measure.verdicts import at_least, exactly, largest, smallest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting
from tfx.train.toys import learn_toy

QUESTION = "Do the same parameters learn more in one wide layer, or in two narrow ones?"
TITLE = "The same number of parameters, in wide layers or in many"
CLAIM = (
    "What takes two steps, one after the other, two layers can learn, and one wider layer of as many parameters learns "
    "it no better in the same training; what takes one step needs no second layer."
)
HOST_ONLY = "These models have a few thousand numbers: a card would wait for the host."
BREAK_IT = ("--set steps=2",)

TWO_STEPS, ONE_STEP = "two steps", "one step"
#: A task is learnt when so many places are right.
LEARNT = 0.95
#: Tokens that are written backwards, and the widths that are tried: heads have to share them.
REVERSED, MULTIPLE = 5, 4
KEYS, VALUES = 4, 4
#: The task of one step is learnt in a part of the steps.
SHARE = 0.3
#: The loss of the last fifth of the steps is compared; every batch is new, so it is no loss on what was seen before.
LAST = 5
#: What `tfx experiment width-vs-depth --quick` measures from seed 0: task, layers, width, parameters, share right.  The
#: models take seven seconds; a lesson reads them here.
RECORDED = (
    (TWO_STEPS, 1, 76, 47_044, 0.44),
    (TWO_STEPS, 2, 52, 44_408, 0.84),
    (ONE_STEP, 1, 76, 47_044, 1.0),
    (ONE_STEP, 2, 52, 44_408, 1.0),
)


@dataclass(frozen=True)
class Settings:
    layers: tuple[int, ...] = setting((1, 2, 4), 1, 12, "layers of the models", at_least=2)
    parameters: int = setting(48_000, 1000, 1_000_000, "parameters of all blocks, at most")
    facts: int = setting(2, 1, 4, "keys with a value in a text; four keys and four values are known")
    heads: int = setting(2, words=(1, 2, 4), about="heads of every layer")
    steps: int = setting(400, 2, 20_000, "training steps")
    batch: int = setting(32, 1, 512, "rows in a batch")
    rate: float = setting(0.005, 1e-6, 1.0, "learning rate")
    seeds: int = setting(5, 2, 100, "models for each shape; a third of them, or two, for the control")

    def quick(self) -> Settings:
        """Two depths, fewer steps and models."""
        depths = tuple(sorted(set(self.layers)))[:2]
        return replace(self, layers=depths, steps=min(self.steps, 300), seeds=min(self.seeds, 4))

    def full(self) -> Settings:
        return replace(self, layers=(1, 2, 4, 8), steps=2000, seeds=10)

    def check(self) -> None:
        """Raises BadInput for so few parameters that not even the narrowest layers fit."""
        try:
            same_size(max(self.layers), self.parameters, multiple=MULTIPLE)
        except ValueError as error:
            raise BadInput(f"{error}.", "Try: --set parameters=48000") from None

    def bytes_needed(self) -> float:
        """Weights, gradients and both moments, and what a batch leaves in a model."""
        wide = same_size(min(self.layers), self.parameters, multiple=MULTIPLE).d_model
        return 4.0 * (6 * self.parameters + 500 * 3 * self.facts * max(self.layers) * 40 * wide)


COLUMNS = (
    Column("task", "task"),
    Column("layers", "layers"),
    Column("width", "width"),
    Column("parameters", "parameters"),
    Column("right", "right", digits=3),
    Column("loss", "loss at last", "nats", digits=3, detail=True),
    Column("right_se", "standard error", digits=2, detail=True),
)


def shape_of(settings: Settings, n_layers: int) -> Shape:
    return same_size(n_layers, settings.parameters, multiple=MULTIPLE)


def rows(run: Run[Settings]) -> Measured:
    depths = sorted(set(run.settings.layers))
    for task, n_layers in run.over([(task, n) for task in (TWO_STEPS, ONE_STEP) for n in depths], "{0[0]}, {0[1]}"):
        yield measure_row(run, task, n_layers)


def measure_row(run: Run[Settings], task: str, n_layers: int) -> dict[str, Any]:
    """All models of one shape, on one task; every shape is taught with the seeds of the others."""
    settings, shape = run.settings, shape_of(run.settings, n_layers)
    found = []
    n_models = settings.seeds if task == TWO_STEPS else max(2, settings.seeds // 3)
    for number in range(n_models):
        run.saying(f"{task}, {n_layers} layers: model {number + 1}")(number, n_models)
        how = (settings.facts, settings.heads, settings.steps, settings.batch, settings.rate)
        found.append(taught(task, shape, *how, run.seed * settings.seeds + number))
    scores, losses, built = zip(*found, strict=True)
    late = [float(np.mean(one[-max(1, len(one) // LAST) :])) for one in losses]
    mean, error = mean_with_error(np.array(scores))
    return {
        "task": task,
        "layers": n_layers,
        "width": shape.d_model,
        "parameters": built[-1],
        "right": mean,
        "right_se": error,
        "loss": float(np.mean(late)),
        "scores": list(scores),
        "late": late,
        "losses": thinned(np.mean(losses, axis=0)),
    }


@lru_cache(maxsize=256)
def taught(
    task: str, shape: Shape, facts: int, heads: int, steps: int, batch: int, rate: float, seed: int
) -> tuple[float, tuple[float, ...], int]:
    """-> the share of asked places that are right in new texts, the loss of each step, the parameters of all blocks."""
    toy: Any = Lookup(n_keys=KEYS, n_values=VALUES, n_facts=facts)
    if task == ONE_STEP:
        toy, steps = replace(TASKS["reverse"], length=REVERSED), max(1, round(SHARE * steps))
    sizes = {**shape._asdict(), "n_heads": heads, "positions": "learned"}
    learnt = learn_toy(toy, steps, seed, rate, batch, held_out=200, **sizes)
    return learnt.accuracy, learnt.losses, sum(block.n_parameters for block in learnt.model.stack.blocks)


def thinned(losses: np.ndarray, parts: int = 20) -> list[float]:
    """The mean of each twentieth of the steps, or fewer parts where there are fewer steps."""
    return [float(part.mean()) for part in np.array_split(losses, min(parts, len(losses)))]


# Judging


def of(rows: Sequence[Mapping[str, Any]], task: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["task"] == task]


def gain(rows: Sequence[Mapping[str, Any]], task: str) -> Difference:
    """What the second depth loses less than the first, in nats, seed by seed."""
    shallow, deep = of(rows, task)[:2]
    return paired_difference(shallow["late"], deep["late"])


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, budget = run.rows, run.settings.parameters
    shallow, deep = of(rows, TWO_STEPS)[:2]
    by_law = [row["layers"] * block_parameters(row["width"], 2 * row["width"]) for row in rows]
    wider = [row["layers"] * block_parameters(row["width"] + MULTIPLE, 2 * (row["width"] + MULTIPLE)) for row in rows]
    unequal = sum(not row["parameters"] <= budget < more for row, more in zip(rows, wider, strict=True))
    return (
        exactly("counted", "parameters of built blocks, less those of the law, all rows", 0,
                sum(abs(row["parameters"] - law) for row, law in zip(rows, by_law, strict=True))),
        exactly("equal", f"rows with more than {budget:,} parameters, or with room for a wider layer", 0, unequal),
        at_least("two-steps", f"two steps: what is right with the best model of {layers(deep)}", LEARNT,
                 largest(deep["scores"])),
        at_least("no-better", f"... loss of {layers(shallow)} less that of {layers(deep)}: 95% interval, to, in nats",
                 0.0, gain(rows, TWO_STEPS).high),
        at_least("one-step", "one step: the least that is right, of all depths", LEARNT,
                 smallest(row["right"] for row in of(rows, ONE_STEP))),
    )  # fmt: skip


# Saying


def prompt(run: Run[Settings]) -> str:
    first, second = sorted(set(run.settings.layers))[:2]
    return (
        f"Find a key in a text, then read the value beside it: two steps. Which share does a model of {second} layers "
        f"get right, as large as one of {first} that is wider? (0 to 1)"
    )


def question(run: Run[Settings]) -> Question:
    shallow, deep = of(run.rows, TWO_STEPS)[:2]
    return Question(prompt(run), deep["right"], 0.1, f"The wider model of {shallow['layers']}: {shallow['right']:.2f}.")


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    shallow, deep = of(run.rows, TWO_STEPS)[:2]
    control, most = of(run.rows, ONE_STEP), of(run.rows, TWO_STEPS)[-1]
    settings = run.settings
    lead = gain(run.rows, TWO_STEPS)
    return (
        Text(
            f"In {settings.steps} steps {layers(deep)} of width {deep['width']} get {deep['right']:.0%} of the answers "
            f"right that take two steps, {layers(shallow)} of width {shallow['width']} {shallow['right']:.0%}: "
            + ("told apart." if lead.told_apart else f"not told apart with {len(deep['late'])} models each.")
        ),
        Text(
            f"The loss at last is lower by {lead}, in nats. Where one step is enough, "
            f"{control[0]['right']:.0%} are right with {layers(control[0])} and {control[1]['right']:.0%} with "
            f"{layers(control[1])}."
        ),
        Text(
            (f"{more_of(most, deep)} " if most is not deep else "")
            + "Which shape is best depends on the task, the size and the steps (Tay et al. 2022; Levine et al. 2020)."
        ),
        Text(
            f"Who knows the values of a text, but not whose they are, gets {best_guess(settings.facts):.1%} right. "
            "With more heads more of the models of one layer find a way in texts this short: a head for each place "
            "reads its value, and the network behind picks one. See --set heads=4."
        ),
    )


def more_of(most: Mapping[str, Any], deep: Mapping[str, Any]) -> str:
    """The deepest shape beside the second one, in a sentence."""
    lost = paired_difference(most["late"], deep["late"])
    than = f"than {layers(deep)}"
    verdict = f"a higher loss {than}" if lost.low > 0 else f"a lower loss {than}" if lost.high < 0 else ""
    told = f"with {verdict}" if verdict else f"not told apart from {layers(deep)}"
    return f"With {layers(most)} of width {most['width']} {most['right']:.0%} are right, {told} in as many steps."


def best_guess(facts: int) -> float:
    """Of the values that were told, the most frequent: the mean of its share over all texts."""
    texts = list(product(range(VALUES), repeat=facts))
    return sum(max(text.count(value) for value in text) for text in texts) / (facts * len(texts))


def layers(row: Mapping[str, Any]) -> str:
    return f"{row['layers']} layer{'' if row['layers'] == 1 else 's'}"


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    shown = of(run.rows, TWO_STEPS)
    shallow, deep = shown[:2]
    steps = run.settings.steps
    return (
        Plot(
            f"Two steps: {layers(deep)} of width {deep['width']} get {deep['right']:.0%} right, {layers(shallow)} of "
            f"width {shallow['width']} {shallow['right']:.0%}",
            "training steps",
            "loss [nats]",
            tuple(
                Series(
                    f"{layers(row)} of width {row['width']}",
                    [steps * (part + 1) / len(row["losses"]) for part in range(len(row["losses"]))],
                    row["losses"],
                )
                for row in shown
            ),
        ),
    )
