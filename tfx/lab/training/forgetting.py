"""Catastrophic forgetting: what learning a second task does to the first, and what helps.

Both tasks read the same texts and name their class; the first token says which task it is.  In the second task every
class has the name of the next one, so a model can do both, if it minds that token.

    all weights      the second task alone
    rehearsal        half of the batches are of the first task
    head alone       everything but the output layer is frozen
    LoRA             low-rank updates are learnt and taken out again for the first task

The output layer belongs to both tasks.  To freeze what lies below protects the features, and not the names.
Sources: McCloskey and Cohen 1989; rehearsal: Robins 1995; the measure: Chaudhry et al. 2018, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from tfx.data.toys.labelled_sequences import LabelledSequences
from tfx.data.toys.toy import Places
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.forgetting import forgetting
from tfx.measure.paired import Difference, paired_difference
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_least, exactly, largest
from tfx.models import Encoder
from tfx.optim import AdamW
from tfx.params import Layer
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train import rehearsed, train
from tfx.train.toys import examine, make_model, places_loss
from tfx.tuning import Part, add_lora

QUESTION = "What does a second task do to the first, and what keeps it?"
ORDER = 15
TITLE = "One task learnt after another"
CLAIM = "Fine-tuning overwrites what a model knew. Rehearsal, frozen weights or updates that can be taken out keep it."
BREAK_IT = ("--set share=0", "--set second=1")
HOST_ONLY = "These models have a few thousand numbers: a card would wait for the host."

ALL, REHEARSED, HEAD, LORA = "all weights", "rehearsal", "head alone", "LoRA, taken out"
WAYS = (ALL, REHEARSED, HEAD, LORA)
TOY = LabelledSequences(n_classes=3, length=8)
RANK = 3
#: A difference counts from here on.
SMALLEST = 0.01
BATCH, RATE = 32, 1e-2


@dataclass(frozen=True)
class Settings:
    first: int = setting(120, 1, 5000, "steps of the first task")
    second: int = setting(120, 1, 5000, "steps of the second task")
    share: float = setting(0.5, 0.0, 0.95, "rehearsal: the share of batches that are of the first task")
    seeds: int = setting(8, 2, 100, "models for each row")

    def quick(self) -> Settings:
        """Fewer models."""
        return replace(self, seeds=min(self.seeds, 5), first=min(self.first, 80), second=min(self.second, 80))

    def full(self) -> Settings:
        return replace(self, first=400, second=400, seeds=20)

    def bytes_needed(self) -> float:
        """What 300 texts leave in a model."""
        return 8.0 * 300 * 9 * 2000


COLUMNS = (
    Column("way", "what is tuned"),
    Column("before", "first task, before", digits=3),
    Column("after", "first task, after", digits=3),
    Column("after_se", "standard error", digits=2, detail=True),
    Column("second", "second task", digits=3),
    Column("forgotten", "forgotten", digits=3),
    Column("moved", "frozen numbers moved by", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every way begins with the same models, which know the first task."""
    for way in run.over(WAYS):
        yield measure_row(run, way)


# Measuring


def measure_row(run: Run[Settings], way: str) -> dict[str, Any]:
    settings, found = run.settings, []
    one = replace(settings, seeds=2)  # a single model does not depend on how many there are
    for seed in run.seeds(settings.seeds, f"{way}: model {{}} of {settings.seeds}"):
        found.append(after_both(one, way, seed))
    after = [accuracies[1, 0] for accuracies, _ in found]
    mean, error = mean_with_error(np.array(after))
    return {
        "way": way,
        "before": float(np.mean([accuracies[0, 0] for accuracies, _ in found])),
        "after": mean,
        "after_se": error,
        "second": float(np.mean([accuracies[1, 1] for accuracies, _ in found])),
        "forgotten": float(np.mean([forgetting(accuracies) for accuracies, _ in found])),
        "moved": largest(moved for _, moved in found),
        "before_by_seed": [float(accuracies[0, 0]) for accuracies, _ in found],
        "after_by_seed": [float(score) for score in after],
        "second_by_seed": [float(accuracies[1, 1]) for accuracies, _ in found],
    }


def task(number: int, n: int, rng: np.random.Generator, held_out: bool = False) -> Places:
    """Texts of the first task (0) or the second (1), whose names are those of the next class."""
    drawn = TOY.draw(n, rng, held_out)
    ids = drawn.ids.copy()
    ids[:, 0] = number  # <class>, or <not>, which these texts do not hold
    return Places(ids, (drawn.targets + number) % TOY.n_classes, drawn.asked)


def new_model(seed: int) -> Encoder:
    return make_model(TOY, seed, d_model=24, d_ff=48, dtype="float64")


@lru_cache(maxsize=128)
def first_learnt(steps: int, seed: int) -> Mapping[str, np.ndarray]:
    """The weights of a model that knows the first task."""
    model = new_model(seed)
    fit(model, model, partial(task, 0, BATCH), steps, seed)
    return model.state()


@lru_cache(maxsize=512)
def after_both(settings: Settings, way: str, seed: int) -> tuple[np.ndarray, float]:
    """-> (2, 2) the accuracy after task i on task j, and by how much what was frozen has moved."""
    model = new_model(seed)
    model.load_state(dict(first_learnt(settings.first, seed)))
    accuracies = np.array([marks(model, seed), (0.0, 0.0)])
    old, new = partial(task, 0, BATCH), partial(task, 1, BATCH)
    part: Any = model
    if way == HEAD:
        part = Part(model, lambda name: name.startswith("output."))
    elif way == LORA:
        part = add_lora(model, RANK, generator(seed, 1), chosen=lambda name: True)
    batches = rehearsed(new, old, settings.share) if way == REHEARSED else new
    fit(model, part, batches, settings.second, seed + 1)
    accuracies[1] = marks(model, seed)
    if way == LORA:
        part.remove()
        accuracies[1, 0] = marks(model, seed)[0]
    return accuracies, moved(model, first_learnt(settings.first, seed), way)


def moved(model: Encoder, before: Mapping[str, np.ndarray], way: str) -> float:
    """The largest change of a number that was to stay; 0 where none was."""
    stays: Callable[[str], bool] = {HEAD: lambda name: not name.startswith("output."), LORA: lambda name: True}.get(
        way, lambda name: False
    )
    return max(
        (float(abs(value - before[name]).max()) for name, value in model.state().items() if stays(name)), default=0.0
    )


def marks(model: Encoder, seed: int) -> tuple[float, float]:
    """On held-out texts of both tasks."""
    return (
        examine(model, task(0, 300, generator(seed, 2), held_out=True)).accuracy,
        examine(model, task(1, 300, generator(seed, 2), held_out=True)).accuracy,
    )


def fit(model: Encoder, part: Layer, batches: Any, steps: int, seed: int) -> None:
    rate = partial(warmup_cosine, peak=RATE, warmup=max(steps // 10, 1), total=steps)
    for _ in train(model, batches, places_loss(), AdamW(part), rate, steps, seed=seed):
        pass


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows = by_way(run.rows)
    chance = [1 / TOY.n_classes] * len(rows[ALL]["second_by_seed"])
    return (
        at_least("forgets", "all weights: the first task before minus after, 95% interval from", SMALLEST,
                 paired_difference(rows[ALL]["before_by_seed"], rows[ALL]["after_by_seed"]).low),
        at_least("learns", "... and the second task minus chance, from", SMALLEST,
                 paired_difference(rows[ALL]["second_by_seed"], chance).low),
        at_least("rehearsal-keeps", "the first task after, rehearsal minus all weights, from", SMALLEST,
                 kept(run.rows, REHEARSED).low),
        exactly("taken-out", "with its updates taken out the first task has changed by at most", 0.0,
                largest(abs(a - b) for a, b in zip(rows[LORA]["after_by_seed"], rows[LORA]["before_by_seed"],
                                                   strict=True))),
        exactly("frozen", "what was frozen has moved by at most", 0.0,
                largest(rows[way]["moved"] for way in (HEAD, LORA))),
    )  # fmt: skip


def by_way(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {row["way"]: row for row in rows}


def kept(rows: Sequence[Mapping[str, Any]], way: str) -> Difference:
    """How much more of the first task is right than after tuning all weights."""
    return paired_difference(by_way(rows)[way]["after_by_seed"], by_way(rows)[ALL]["after_by_seed"])


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"A model knows {TOY.n_classes} classes by name. In a second task, told by another first token, each has the "
        "name of the next. Which share of the first task is right after that?"
    )


def question(run: Run[Settings]) -> Question:
    row = by_way(run.rows)[ALL]
    explanation = f"It was {row['before']:.2f}; chance is {1 / TOY.n_classes:.2f}: it now gives the new names."
    return Question(prompt(run), row["after"], 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    rows = by_way(run.rows)
    plain, old, head = rows[ALL], rows[REHEARSED], rows[HEAD]
    frozen = kept(run.rows, HEAD)
    return (
        Text(
            f"Tuned on the second task, a model falls from {plain['before']:.0%} to {plain['after']:.0%} on the first "
            f"(chance is {1 / TOY.n_classes:.0%}). With rehearsal it keeps {old['after']:.0%}, and is right at "
            f"{old['second']:.0%} of the second."
        ),
        Text(
            f"Freezing all but the head leaves {head['after']:.0%} of the first task ({frozen}, against all weights), "
            f"and {head['second']:.0%} of the second is right: the head is shared, and new names overwrite the old "
            "ones there."
        ),
        Text(
            "LoRA leaves every number as it was: taken out, the first task is as before, to the bit, and with it in, "
            f"{rows[LORA]['second']:.0%} of the second is right. One has to know which task it is."
        ),
        Text(
            "Nothing in the loss of the second task speaks for the first (McCloskey and Cohen 1989). Old examples "
            "among the new speak for it (Robins 1995); what is forgotten is measured as in Chaudhry et al. 2018, "
            "section 3."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows = by_way(run.rows)
    plain, old = rows[ALL], rows[REHEARSED]

    def point(way: str) -> Series:
        return Series(way, [rows[way]["second"]], [rows[way]["after"]], [rows[way]["after_se"]])

    return (
        Plot(
            f"After the second task {plain['after']:.0%} of the first is right, with rehearsal {old['after']:.0%}; "
            f"before, {plain['before']:.0%}",
            "share right in the second task",
            "share right in the first task, afterwards",
            (*(point(way) for way in rows), Series("before", [0.0, 1.0], [plain["before"]] * 2, kind="line")),
        ),
    )
