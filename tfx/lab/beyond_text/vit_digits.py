"""A Vision Transformer on drawn digits: squares of pixels as words, of three sizes, with positions and without.

An image of 8 x 8 pixels, cut into squares of side p, is a text of (8 / p)^2 tokens: one matrix makes a vector of each
square, the encoder reads them, and their mean is classified.  Nothing but the positions says where a square stood:
without them the answer is the same for every order of the squares.  One square of 8 x 8 has no order to lose.
The digits are drawn in many styles; one style in eight is held out, and new styles are what is asked.
Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", section 3.1; positions, appendix D.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.data.digits import N_CLASSES, SIZE, digits, standardised
from tfx.lab.frame import Measured, Run
from tfx.measure.counting_array import counting_in
from tfx.measure.verdicts import agree, at_least, at_most, largest, smallest
from tfx.models import VisionTransformer
from tfx.optim import AdamW
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train import ImageBatch, classification_loss, train

QUESTION = "How well does a Vision Transformer read digits, by the size of its squares, and without positions?"
TITLE = "Digits of 8 x 8 pixels, read as squares of pixels"
CLAIM = (
    "An image cut into squares can be read like a text, by the same encoder. It needs positions, as a bag of squares "
    "does not say where they stood."
)
BREAK_IT = ("--set positions=none", "--set steps=5")
HOST_ONLY = "Models of a few thousand numbers: nothing for a card."

#: Share right: at least with the smallest squares and with the largest; what positions add to the smallest at least,
#: and to one square at most, either way.
SMALL_GOOD, LARGE_GOOD, ADDED, NOTHING = 0.4, 0.8, 0.15, 0.1
#: float32: logits of the same squares in another order differ by less, or, with positions, by more.
SAME, MOVED = 1e-3, 0.1
SIZES: dict[str, Any] = {"d_model": 32, "n_heads": 2, "d_ff": 64, "n_layers": 1, "pool": "mean", "activation": "relu"}
RATE, BATCH, DRAWN, ASKED = 0.01, 32, 4000, 500


@dataclass(frozen=True)
class Settings:
    squares: tuple[int, ...] = setting((2, 4, 8), words=(1, 2, 4, 8), about="sides of a square, pixels", at_least=2)
    positions: str = setting("learned", words=("learned", "sinusoidal", "grid", "none"), about="where they are given")
    steps: int = setting(300, 5, 20_000, "of training")
    models: int = setting(3, 1, 50, "models of each kind")

    def quick(self) -> Settings:
        """Two models of each kind, fewer steps."""
        return replace(self, models=min(2, self.models), steps=min(200, self.steps))

    def full(self) -> Settings:
        """Squares of one pixel as well, trained for longer."""
        return replace(self, squares=(1, *self.squares), steps=max(3000, self.steps))

    def bytes_needed(self) -> float:
        """The pictures, and one model with its activations."""
        return 8.0 * (DRAWN + ASKED) * SIZE**2 + 4.0 * ASKED * 64 * (40 * 32 + 2 * 2 * 64)


COLUMNS = (
    Column("square", "square", "pixels"),
    Column("tokens", "tokens"),
    Column("positions", "positions"),
    Column("right", "right, new styles", "%", digits=3),
    Column("right_se", "standard error", "%", digits=2, detail=True),
    Column("work", "multiply-adds", "thousands", digits=4),
    Column("moved", "logits move with the order by", digits=2, detail=True),
    Column("parameters", "parameters", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Each size of square with positions and without; all models see the same pictures."""
    settings = run.settings
    kinds = [(square, places) for square in sorted(set(settings.squares)) for places in (settings.positions, "none")]
    with blas_threads(1):
        for square, places in run.over(list(dict.fromkeys(kinds)), "squares of {0[0]}, positions {0[1]}"):
            yield measure_row(run, square, places)


def measure_row(run: Run[Settings], square: int, places: str) -> dict[str, Any]:
    settings, found = run.settings, []
    for number in range(settings.models):
        run.saying(f"squares of {square}, positions {places}, model {number + 1}")(number, settings.models)
        found.append(learned(settings.steps, square, places, run.seed, number))
    right = np.array([100 * one["right"] for one in found])
    return {
        "square": square,
        "positions": places,
        "right": float(right.mean()),
        "right_se": float(right.std(ddof=1)) / len(right) ** 0.5 if len(right) > 1 else 0.0,
        **{key: found[0][key] for key in ("tokens", "work", "parameters")},
        "moved": largest(one["moved"] for one in found)
        if places == "none"
        else smallest(one["moved"] for one in found),
    }


def learned(steps: int, square: int, places: str, seed: int, number: int) -> dict[str, float]:
    """One model: its share right on held-out styles, its size, and by how much another order moves its logits."""
    rng = np.random.default_rng((seed, number))
    drawn, asked = digits(DRAWN, rng), digits(ASKED, rng, held_out=True)
    images, seed_of_model = standardised(drawn.images), int(rng.integers(2**31))
    model = VisionTransformer(
        (SIZE, SIZE), square, N_CLASSES, channels=1, positions=places, seed=seed_of_model, **SIZES
    )

    def batch(rng: np.random.Generator) -> ImageBatch:
        chosen = rng.integers(DRAWN, size=BATCH)
        return ImageBatch(images[chosen], drawn.labels[chosen])

    schedule = lambda step: warmup_cosine(step, RATE, max(steps // 10, 1), steps)  # noqa: E731
    for _ in train(model, batch, classification_loss(), AdamW(model), schedule, steps, seed=seed_of_model):
        pass
    new = standardised(asked.images)
    logits, cache = model.forward(new)
    with counting_in(model) as counted:
        model.forward(new[:1])
        work = counted.multiply_adds
    turned, _ = model.forward(in_another_order(new, square, rng))
    return {
        "right": float((logits.argmax(axis=-1) == asked.labels).mean()),
        "tokens": cache.blocks[0].weights.shape[-1],
        "work": work / 1e3,
        "moved": float(np.abs(turned - logits).max()),
        "parameters": model.n_parameters,
    }


def in_another_order(images: np.ndarray, square: int, rng: np.random.Generator) -> np.ndarray:
    """The same squares of each image, put together in one other order."""
    n, side = len(images), SIZE // square
    squares = images.reshape(n, side, square, side, square, 1).swapaxes(2, 3).reshape(n, side * side, square, square, 1)
    squares = squares[:, rng.permutation(side * side)]
    return squares.reshape(n, side, side, square, square, 1).swapaxes(2, 3).reshape(images.shape)


# Judging


def of_kind(run: Run[Settings], at: int, places: str) -> Mapping[str, Any]:
    """The row of the smallest square (0) or the largest (-1) with those positions."""
    square = sorted(set(run.settings.squares))[at]
    return next(row for row in run.rows if (row["square"], row["positions"]) == (square, places))


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    places = run.settings.positions
    small, large = (of_kind(run, at, places) for at in (0, -1))
    bag, one_bag = (of_kind(run, at, "none") for at in (0, -1))
    return (
        at_least("small", f"squares of {small['square']}, new styles: share right", SMALL_GOOD, small["right"] / 100),
        at_least("large", f"squares of {large['square']}: share right", LARGE_GOOD, large["right"] / 100),
        at_least(
            "positions",
            f"what positions add with squares of {small['square']}: share right",
            ADDED,
            (small["right"] - bag["right"]) / 100,
        ),
        at_most(
            "one-square",
            f"... and with squares of {large['square']}, either way",
            NOTHING,
            abs(large["right"] - one_bag["right"]) / 100,
        ),
        at_most("bag", "without positions another order moves the logits by, at most", SAME, bag["moved"]),
        at_least("placed", "... with positions, at least", MOVED, small["moved"]),
        agree(
            "tokens",
            "tokens, less (8 / p)^2",
            [row["tokens"] for row in run.rows],
            [(SIZE // row["square"]) ** 2 for row in run.rows],
            to=0,
        ),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    square = min(run.settings.squares)
    return (
        f"Digits are cut into squares of {square} x {square} pixels, without positions. How many percent of new ones "
        "are read rightly? (Guessing: 10)"
    )


def question(run: Run[Settings]) -> Question:
    small, bag = of_kind(run, 0, run.settings.positions), of_kind(run, 0, "none")
    explanation = f"With positions it is {small['right']:.3g}."
    return Question(prompt(run), bag["right"], 0.25, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings = run.settings
    small, large = (of_kind(run, at, settings.positions) for at in (0, -1))
    bag = of_kind(run, 0, "none")
    best = max(run.rows, key=lambda row: row["right"])
    return (
        Text(
            f"With squares of {small['square']} x {small['square']} pixels {small['right']:.3g}% of new digits are "
            f"read, without positions {bag['right']:.3g}%. With squares of {large['square']} it is "
            f"{large['right']:.3g}%."
        ),
        Text(
            f"Best are squares of {best['square']} here, after {settings.steps} steps: smaller ones cost "
            f"{small['work'] / large['work']:.2g} times the work and learn more slowly. That finer squares are better, "
            "as in large models on large photographs, is not to be seen at this size (Dosovitskiy et al. 2021, "
            "section 4, have squares of 14 to 32)."
        ),
        Text(
            "Without positions the answer does not change when the squares of an image change places. What is still "
            "read then is which squares there are, not where; with one square nothing is lost."
        ),
        Text(
            f"n = {settings.models} models of each kind, {settings.steps} steps of {BATCH} digits, {ASKED} digits in "
            f"styles that training never showed; standard errors {small['right_se']:.1g}% and {bag['right_se']:.1g}%."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    places = run.settings.positions
    small, large = (of_kind(run, at, places) for at in (0, -1))
    bag, one_bag = (of_kind(run, at, "none") for at in (0, -1))

    def curve(label: str, kind: str) -> Series:
        mine = [row for row in run.rows if row["positions"] == kind]
        return Series(
            label, [row["square"] for row in mine], [row["right"] for row in mine], [row["right_se"] for row in mine]
        )

    return (
        Plot(
            f"Squares of {small['square']} read {small['right']:.3g}% of the digits, without positions "
            f"{bag['right']:.3g}%; squares of {large['square']}, {large['right']:.3g}% and {one_bag['right']:.3g}%",
            "side of a square (pixels)",
            "digits in new styles read rightly (%)",
            (curve(f"positions: {places}", places), *((curve("no positions", "none"),) if places != "none" else ())),
            log_x=True,
        ),
    )
