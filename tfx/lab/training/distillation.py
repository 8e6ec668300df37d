"""Distillation: a small model learns the same few examples by their labels, or by what a teacher says of them.

Student, examples, steps and batches are the same in every way of teaching, seed by seed; only the targets differ:

    labels            one symbol at each place              (smoothed: with a tenth of the weight on all symbols)
    soft targets      softmax(teacher's logits / T)         T^2 KL(teacher || student), both at temperature T

So what a soft target adds is what the teacher thinks of the wrong symbols.  Smoothed labels are soft as well, and know
nothing: what they give is no knowledge.  A teacher that has not learnt must not help.
Source: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", sections 2 and 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from tfx.data.toys.tasks import TASKS, Task
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.paired import Difference, paired_difference
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_least, at_most, within
from tfx.models import Encoder
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward
from tfx.optim import AdamW
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train import LabelledBatch, distilled_labelling_loss, labelling_loss, train
from tfx.train.toys import examine, make_model

QUESTION = "What does a student learn from a teacher's soft targets that labels do not say?"
ORDER = 13
TITLE = "The same few examples, taught by labels and by a teacher"
CLAIM = "A small model that learns a large one's soft answers does better than one that learns the labels alone."
BREAK_IT = ("--set teacher_steps=1",)
HOST_ONLY = "These models have a few thousand numbers: a card would wait for the host."

LABELS, SMOOTHED, SOFT, KNOWS_NOTHING, TEACHER = (
    "labels",
    "labels, smoothed",
    "teacher",
    "untrained teacher",
    "(teacher)",
)
SMOOTHING = 0.1
#: A difference counts from here on.
SMALLEST = 0.001
#: A temperature at which a soft target is nearly flat.
HOT = 1e4
BATCH, RATE = 16, 1e-2


@dataclass(frozen=True)
class Settings:
    examples: int = setting(60, 2, 10_000, "sequences that the student learns from")
    temperatures: tuple[float, ...] = setting((1, 2, 4), 0.1, 1000.0, "temperatures of soft targets")
    steps: int = setting(200, 1, 5000, "steps of every student")
    teacher_steps: int = setting(200, 1, 5000, "steps of the teacher, on ever new sequences")
    width: int = setting(24, 4, 128, "numbers of a token in the student; the teacher has 32")
    wrong: float = setting(0.0, 0.0, 0.9, "share of labels that are replaced at random, the teacher's too")
    seeds: int = setting(6, 2, 100, "teachers and students for each row")

    def quick(self) -> Settings:
        """Fewer steps and models, one temperature."""
        steps, seeds, hottest = min(self.steps, 150), min(self.seeds, 4), (max(self.temperatures),)
        return replace(self, steps=steps, teacher_steps=min(self.teacher_steps, 150), temperatures=hottest, seeds=seeds)

    def full(self) -> Settings:
        return replace(self, temperatures=(1, 2, 4, 8), steps=1000, teacher_steps=500, seeds=20)

    def bytes_needed(self) -> float:
        """What a batch leaves in the wider of both models, and the examples."""
        return 8.0 * (BATCH * 6 * 60 * max(self.width, 32) + 12 * self.examples)


COLUMNS = (
    Column("way", "taught by"),
    Column("temperature", "temperature", digits=3),
    Column("right", "right on new ones", digits=3),
    Column("right_se", "standard error", digits=2),
    Column("fit", "right on the examples", digits=3),
)


def rows(run: Run[Settings]) -> Measured:
    """Every way has students of its own; the teachers are the same in all."""
    soft = [(SOFT, float(t)) for t in sorted(set(run.settings.temperatures))]
    ways = [(LABELS, 0.0), (SMOOTHED, 0.0), *soft, (KNOWS_NOTHING, soft[-1][1]), (TEACHER, 0.0)]
    for way, temperature in run.over(ways, "{0[0]}"):
        yield measure_row(run, way, temperature)
    yield hot_check(run.generator())


# Measuring


def measure_row(run: Run[Settings], way: str, temperature: float) -> dict[str, Any]:
    settings, found = run.settings, []
    one = replace(settings, seeds=2, temperatures=(1.0,))  # what a single student does not depend on
    for seed in run.seeds(settings.seeds, f"{way}: model {{}} of {settings.seeds}"):
        found.append(taught(one, way, temperature, seed))
    scores = [new for new, _ in found]
    mean, error = mean_with_error(np.array(scores))
    return {
        "way": way,
        "temperature": temperature or None,
        "right": mean,
        "right_se": error,
        "fit": float(np.mean([known for _, known in found])),
        "scores": scores,
    }


def task_of() -> Task:
    return replace(TASKS["sort"], length=6)


def labelled(settings: Settings, n: int, rng: np.random.Generator) -> LabelledBatch:
    """New sequences, some of whose labels are replaced."""
    drawn = task_of().draw(n, rng)
    other = rng.random(drawn.targets.shape) < settings.wrong
    return LabelledBatch(drawn.ids, np.where(other, rng.integers(10, size=other.shape), drawn.targets))


@lru_cache(maxsize=128)
def teacher_of(settings: Settings, seed: int, trained: bool = True) -> Encoder:
    model: Any = make_model(task_of(), 10_000 + seed, d_model=32, d_ff=64, dtype="float64")
    if trained:
        fit(model, lambda rng: labelled(settings, BATCH, rng), labelling_loss(), settings.teacher_steps, seed)
    return model


@lru_cache(maxsize=1024)
def taught(settings: Settings, way: str, temperature: float, seed: int) -> tuple[float, float]:
    """-> the shares of places that are right in held-out sequences, and in the student's own examples."""
    teacher = teacher_of(settings, seed, way != KNOWS_NOTHING)
    examples = labelled(settings, settings.examples, generator(seed, 1))
    student: Any = teacher
    if way != TEACHER:
        width = settings.width // 4 * 4
        student = make_model(task_of(), seed, d_model=width, d_ff=2 * width, dtype="float64")
        loss = distilled_labelling_loss(teacher, temperature) if temperature else labelling_loss(smoothing_of(way))
        fit(student, partial(some_of, examples), loss, settings.steps, seed)
    clean = task_of().answer(examples.ids)
    known = float((student.forward(examples.ids)[0].argmax(axis=-1) == clean).mean())
    return examine(student, task_of().draw(300, generator(seed, 2), held_out=True)).accuracy, known


def smoothing_of(way: str) -> float:
    return SMOOTHING if way == SMOOTHED else 0.0


def some_of(examples: LabelledBatch, rng: np.random.Generator) -> LabelledBatch:
    chosen = rng.integers(len(examples.ids), size=BATCH)
    return LabelledBatch(examples.ids[chosen], examples.targets[chosen])


def fit(model: Any, batches: Callable[[np.random.Generator], Any], loss: Any, steps: int, seed: int) -> None:
    rate = partial(warmup_cosine, peak=RATE, warmup=max(steps // 10, 1), total=steps)
    for _ in train(model, batches, loss, AdamW(model), rate, steps, seed=seed):
        pass


# Judging


def checks(run: Run[Settings]) -> Iterator[Check]:
    rows, best = run.rows, hottest(run.rows)
    yield at_least(
        "helps", f"soft targets at {best['temperature']:g} minus labels, 95% interval from", SMALLEST, gain(rows).low
    )
    yield at_least(
        "room", "teacher minus student taught by labels, 95% interval from", SMALLEST,
        minus_labels(rows, of_way(rows, TEACHER)).low,
    )  # fmt: skip
    yield at_most(
        "knows-nothing", "an untrained teacher's student minus one taught by labels, 95% interval to", -SMALLEST,
        minus_labels(rows, of_way(rows, KNOWS_NOTHING)).high,
    )  # fmt: skip


def hot_check(rng: np.random.Generator) -> Check:
    """At a high temperature distillation is regression of the logits: (x - z) / V for logits of mean zero."""
    student, teacher = rng.standard_normal((2, 5, 10))
    student, teacher = (x - x.mean(axis=-1, keepdims=True) for x in (student, teacher))
    _, cache = distillation_loss_forward(student, teacher, HOT)
    gradient = distillation_loss_backward(1.0, cache) * len(student)
    worst = float(abs(gradient - (student - teacher) / 10).max())
    return within("hot", f"at temperature {HOT:g} the gradient is the difference of logits, over their number", 0.0,
                  worst, 1e-3)  # fmt: skip


def of_way(rows: Sequence[Mapping[str, Any]], way: str) -> Mapping[str, Any]:
    return next(row for row in rows if row["way"] == way)


def hottest(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The soft targets that are judged: those of the highest temperature, whatever the others gave."""
    return [row for row in rows if row["way"] == SOFT][-1]


def minus_labels(rows: Sequence[Mapping[str, Any]], row: Mapping[str, Any], way: str = LABELS) -> Difference:
    return paired_difference(row["scores"], of_way(rows, way)["scores"])


def gain(rows: Sequence[Mapping[str, Any]]) -> Difference:
    return minus_labels(rows, hottest(rows))


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"A student learns {run.settings.examples} examples by a teacher's soft answers, another by labels. By how "
        "many points of 100 is the first better on new ones?"
    )


def question(run: Run[Settings]) -> Question:
    found = gain(run.rows)
    return Question(
        prompt(run), 100 * found.mean, 0.25, f"At temperature {hottest(run.rows)['temperature']:g}: {found}."
    )


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows))) if len(run.rows) <= 7 else (0, 1, *range(len(run.rows) - 4, len(run.rows)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    rows, best = run.rows, hottest(run.rows)
    labels, teacher, smoothed = (of_way(rows, way) for way in (LABELS, TEACHER, SMOOTHED))
    beyond = minus_labels(rows, best, SMOOTHED)
    return (
        Text(
            f"Labels of {run.settings.examples} examples teach a student to be right at {labels['right']:.1%} of new "
            f"places, soft targets of temperature {best['temperature']:g} at {best['right']:.1%}. The difference is "
            f"{gain(rows)}; the teacher has {teacher['right']:.1%}."
        ),
        Text(
            f"Smoothed labels, which are soft and know nothing, give {smoothed['right']:.1%}; soft targets minus those "
            f"are {beyond}, " + ("told apart from 0." if beyond.told_apart else "not told apart from 0.")
        ),
        Text(
            "What a teacher thinks of wrong answers stands in small probabilities, which a temperature above 1 makes "
            "large enough to matter (Hinton et al. 2015, section 2). At a high one it is regression of the logits "
            "(section 2.1)."
        ),
        Text(
            "The teacher has seen new sequences at every step, its student only these few: soft targets help where "
            "labelled examples are scarce. Give the student more (--set examples=5000), and the gain shrinks."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows, soft = run.rows, [row for row in run.rows if row["way"] == SOFT]
    x = [row["temperature"] for row in soft]

    def level(way: str, label: str) -> Series:
        return Series(label, x, [of_way(rows, way)["right"]] * len(x), kind="line")

    best, labels = hottest(rows), of_way(rows, LABELS)
    return (
        Plot(
            f"Soft targets at temperature {best['temperature']:g} teach {best['right']:.0%} where labels teach "
            f"{labels['right']:.0%}",
            "temperature of the soft targets",
            "share of new places that are right",
            (
                Series("soft targets", x, [row["right"] for row in soft], [row["right_se"] for row in soft]),
                level(LABELS, "labels"),
                level(SMOOTHED, "labels, smoothed"),
                level(TEACHER, "the teacher itself"),
            ),
            log_x=True,
        ),
    )
