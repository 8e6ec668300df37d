"""One encoder for text, pictures, sounds and DNA: what has to be new for each, and what can be the same.

Whatever it is, it is cut into pieces, a linear map makes a vector of each piece, and positions say where it stood.
From there on the blocks of the encoder know nothing of where the vectors came from.  Three ways:

    an encoder each    four sets of blocks
    one for all        the same blocks, with the same numbers in them, learn all four at once
    ... no positions   as before, but the pieces are a bag

Only the map at the entrance, the positions and the classes at the exit are each kind's own.
Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", section 3.1 (pictures as tokens).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.lab.beyond_text.kinds_of_data import KINDS
from tfx.lab.frame import Measured, Run
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_least, at_most, exactly, largest
from tfx.models import VisionTransformer
from tfx.optim import AdamW
from tfx.params import Layer
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train import ImageBatch, classification_loss, train
from tfx.train.loop import LossValue, Rng

QUESTION = "Can one encoder, with the same weights, read text, pictures, sounds and DNA?"
TITLE = "Four kinds of data, one encoder"
CLAIM = "A Transformer reads anything that can be cut into tokens, by the same blocks, if it is told where they stood."
BREAK_IT = ("--set positions=none", "--set steps=5")
HOST_ONLY = "Models of a few thousand numbers: nothing for a card."

OWN, SHARED, BAG = "an encoder each", "one for all", "... no positions"
WAYS = (OWN, SHARED, BAG)
#: One encoder has to be right more often than a bag can be, by this share; 1,000 answers have an error of 0.016.
ABOVE = 0.05
#: Standard errors by which a bag may seem better than it can be, in the worst of four kinds.
CHANCE = 4.0
SIZES: dict[str, Any] = {"d_model": 32, "n_heads": 4, "d_ff": 64, "n_layers": 1, "pool": "mean", "activation": "relu"}
RATE, BATCH, ASKED = 0.02, 32, 1000
NAMES = tuple(kind.name for kind in KINDS)


@dataclass(frozen=True)
class Settings:
    steps: int = setting(160, 5, 20_000, "of training, each with a batch of every kind")
    models: int = setting(2, 1, 50, "models of each way")
    positions: str = setting("learned", words=("learned", "sinusoidal", "none"), about="of the first two ways")

    def quick(self) -> Settings:
        """One model of each way, fewer steps."""
        return replace(self, models=1, steps=min(90, self.steps))

    def full(self) -> Settings:
        """More models, trained for longer."""
        return replace(self, models=max(5, self.models), steps=max(600, self.steps))

    def bytes_needed(self) -> float:
        """What the questions leave in one model."""
        return 4.0 * ASKED * 16 * (40 * SIZES["d_model"] + 8 * 16)


COLUMNS = (
    Column("way", "encoder"),
    *(Column(name, name, "% right", digits=3) for name in NAMES),
    Column("parameters", "parameters", detail=True),
    Column("blocks", "of them in one set of blocks", detail=True),
)


class Readers(Layer):
    """A reader of each kind; one set of blocks for all of them, or one each."""

    def __init__(self, together: bool, positions: str, rng: Rng) -> None:
        self.readers = [
            VisionTransformer(
                kind.size,
                kind.patch,
                kind.classes,
                channels=kind.channels,
                positions=positions,
                seed=int(rng.integers(2**31)),
                **SIZES,
            )
            for kind in KINDS
        ]
        if together:
            for reader in self.readers:
                reader.stack = self.readers[0].stack


def rows(run: Run[Settings]) -> Measured:
    """Each way; all see the same data."""
    with blas_threads(1):
        for way in run.over(WAYS):
            yield measure_row(run, way)


def measure_row(run: Run[Settings], way: str) -> dict[str, Any]:
    settings, found = run.settings, []
    for number in range(settings.models):
        run.saying(f"{way}, model {number + 1}")(number, settings.models)
        positions = "none" if way == BAG else settings.positions
        found.append(learned(settings.steps, way != OWN, positions, run.seed, number))
    mean = {name: 100 * float(np.mean([one[name] for one in found])) for name in NAMES}
    return {"way": way, **mean, **{key: int(found[0][key]) for key in ("parameters", "blocks")}}


def learned(steps: int, together: bool, positions: str, seed: int, number: int) -> dict[str, float]:
    """One model: its share right for each kind, asked what training never saw, and its numbers."""
    rng = generator(seed, number)
    readers = Readers(together, positions, rng)
    schedule = lambda step: warmup_cosine(step, RATE, max(steps // 10, 1), steps)  # noqa: E731
    for _ in train(readers, batches, loss_of_all, AdamW(readers), schedule, steps, seed=int(rng.integers(2**31))):
        pass
    right = {
        kind.name: share_right(reader, kind.draw(ASKED, rng, True))
        for kind, reader in zip(KINDS, readers.readers, strict=True)
    }
    return {**right, "parameters": readers.n_parameters, "blocks": readers.readers[0].stack.n_parameters}


def batches(rng: Rng) -> list[ImageBatch]:
    return [kind.draw(BATCH, rng, False) for kind in KINDS]


def loss_of_all(readers: Readers, batch: list[ImageBatch], rng: Rng) -> LossValue:
    """The sum over the kinds: each adds its gradient to what it shares."""
    values = [classification_loss()(reader, own, rng) for reader, own in zip(readers.readers, batch, strict=True)]
    return LossValue(sum(value.loss for value in values), sum(value.tokens for value in values))


def share_right(reader: VisionTransformer, asked: ImageBatch) -> float:
    logits, _ = reader.forward(asked.images)
    return float((logits.argmax(axis=-1) == asked.labels).mean())


# Judging


def of_way(run: Run[Settings], way: str) -> dict[str, Any]:
    return next(row for row in run.rows if row["way"] == way)


def bags() -> dict[str, float]:
    """Name -> the share right of a reader to whom order says nothing, at most."""
    return {kind.name: kind.bag() for kind in KINDS}


def excess(right: float, most: float, n: int) -> float:
    """By how many standard errors of n answers a share lies above the most that it can be."""
    return float((right - most) / (most * (1 - most) / n) ** 0.5)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    own, shared, bag = (of_way(run, way) for way in WAYS)
    most, n = bags(), ASKED * run.settings.models
    return (
        *(
            at_least(
                name.lower(),
                f"{name}: share right with one encoder for all, less {most[name]:.3g}, the most of a bag",
                ABOVE,
                shared[name] / 100 - most[name],
            )
            for name in NAMES
        ),
        at_most(
            "bag",
            "without positions: how far above the most of a bag, in standard errors, the worst of four",
            CHANCE,
            largest(excess(bag[name] / 100, most[name], n) for name in NAMES),
        ),
        exactly(
            "blocks",
            "parameters of four encoders, less those of one for all, less three sets of blocks",
            0,
            own["parameters"] - shared["parameters"] - (len(KINDS) - 1) * shared["blocks"],
        ),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        "One encoder learns text, pictures, sounds and DNA at once, without positions. In how many percent of the "
        "strings of DNA does it tell TACG from the same backwards? (Guessing: 50)"
    )


def question(run: Run[Settings]) -> Question:
    explanation = (
        f"With positions it is {of_way(run, SHARED)['DNA']:.3g}: the same letters, and nothing but their order."
    )
    return Question(prompt(run), of_way(run, BAG)["DNA"], 0.1, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    own, shared, bag = (of_way(run, way) for way in WAYS)
    most, settings = bags(), run.settings
    same = shared["blocks"] / shared["parameters"]

    def each(row: dict[str, Any]) -> str:
        return ", ".join(f"{row[name]:.3g}% of the {name}" for name in NAMES)

    of_own, of_shared, of_bag = (", ".join(f"{row[name]:.3g}" for name in NAMES) for row in (own, shared, bag))
    limits = ", ".join(f"{100 * most[name]:.3g}" for name in NAMES)
    return (
        Text(
            f"One encoder, the same numbers for all, reads {of_shared} percent of text, pictures, sounds and DNA "
            f"rightly. Encoders of their own: {of_own}."
        ),
        Text(
            f"Without positions it is {of_bag}. No reader of a bag of tokens can get above {limits} on average: there "
            "the same tokens have two answers."
        ),
        Text(
            f"The blocks are {same:.0%} of the one encoder's parameters. Each kind's own are a map from its pieces to "
            "vectors, its positions and its classes (for pictures: Dosovitskiy et al. 2021, section 3.1)."
        ),
        Text(
            f"n = {settings.models} models of each way, {settings.steps} steps with {BATCH} of each kind, {ASKED:,} "
            f"new ones asked of each; the standard error is {50 / (ASKED * settings.models) ** 0.5:.2g}% at most. "
            "These are small worlds: whether one large encoder reads real data as well as several do is not shown here."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    own, shared, bag = (of_way(run, way) for way in WAYS)
    places, most = [1.0 + at for at in range(len(NAMES))], bags()

    def points(label: str, row: dict[str, Any]) -> Series:
        return Series(label, places, [row[name] for name in NAMES])

    low, high = (pick(shared[name] for name in NAMES) for pick in (min, max))
    return (
        Plot(
            f"One encoder reads {low:.3g} to {high:.3g}% of four kinds; without positions "
            f"{min(bag[name] for name in NAMES):.3g} to {max(bag[name] for name in NAMES):.3g}%",
            "kind of data: " + ", ".join(f"{at:.0f} {name}" for at, name in zip(places, NAMES, strict=True)),
            "read rightly (%)",
            (
                points(OWN, own),
                points(SHARED, shared),
                points("no positions", bag),
                Series("the most of a bag", places, [100 * most[name] for name in NAMES]),
            ),
        ),
    )
