"""Fewer bits for each weight: what rounding costs in bytes, in noise and in right answers.

Rounding to steps of s leaves an error spread evenly over -s/2 .. s/2, with the mean square s^2 / 12.  One more bit
halves s, and the noise falls by 20 log10(2) = 6.02 dB.  The largest of I numbers that share a scale is met exactly, so
that 1 - 1/I of it is left.  With one bit, a sign and a scale for each column, normal weights keep the share 2 / pi of
their mean square, and 1 - 2 / pi is noise.  With two bits the steps are too long for either law.
One weight that is k times as large as all others makes the steps k times as long for whoever shares its scale.

A network that is rounded after training has weights that it never learnt with.  In training with rounded weights each
step is taken at the weights that will be used, and moves the exact ones (the straight-through estimator).
Sources: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", section 2.1; signs: Rastegari et al. 2016, "XNOR-Net"; the estimator: Bengio et al. 2013, "Estimating or
Propagating Gradients Through Stochastic Neurons".
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.compression.quantisation_aware import quantisation_aware
from tfx.compression.quantise_model import linear_maps
from tfx.lab.cost.quantisation_plots import quantisation_plots
from tfx.lab.frame import Measured, Run
from tfx.lab.training.points import Blobs, Perceptron, Points, judge, points_loss
from tfx.measure.estimates import mean_with_error
from tfx.measure.paired import paired_difference
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_least, at_most, exactly, largest, near, smallest
from tfx.ops.small_numbers.binary_weights import binarise, signed_weights
from tfx.ops.small_numbers.quantisation import dequantise, quantise
from tfx.optim import Adam
from tfx.records import Check, Column, Plot, Question, Text
from tfx.schedule import constant
from tfx.settings import setting
from tfx.train.loop import train

QUESTION = "What do weights of 8, 4, 2 or 1 bit cost, rounded after training and trained with the rounding?"
TITLE = "Weights of a few bits"
CLAIM = "Weights of 4, 2 or even 1 bit lose next to nothing, if they are learnt so."
BREAK_IT = ("--set bits=8,3", "--set steps=1")
HOST_ONLY = "A network of a few hundred weights: nothing for a card."

#: A share of right answers that counts as next to nothing, and one that counts.
SMALL, COUNTS = 0.02, 0.05
#: What training with the rounding wins back counts from here on, at the low end of its interval.
WON = 0.001
#: Numbers that share a scale, and scales, in the matrix of normal weights; the weight that stands out.
ROWS, COLUMNS_OF_IT, OUTLIER = 256, 64, 20.0
WIDTH, HIDDEN, CLASSES, BATCH, RATE, ASKED = 16, 32, 10, 64, 0.01, 2000


@dataclass(frozen=True)
class Settings:
    bits: tuple[int, ...] = setting((8, 6, 4, 3, 2, 1), 1, 8, "bits for each weight", at_least=2)
    models: int = setting(6, 2, 200, "networks, each with classes of its own")
    steps: int = setting(200, 1, 20_000, "of training")

    def quick(self) -> Settings:
        """No 6 or 3 bits."""
        bits = tuple(bits for bits in self.bits if bits not in (6, 3))
        return replace(self, bits=bits if len(bits) > 1 else self.bits)

    def full(self) -> Settings:
        """Every number of bits, many networks, trained for longer."""
        return replace(self, bits=(8, 7, 6, 5, 4, 3, 2, 1), models=max(20, self.models), steps=max(1000, self.steps))

    def bytes_needed(self) -> float:
        """The matrix of normal weights, or one small network and the points that judge it."""
        return 1e7


COLUMNS = (
    Column("bits", "bits"),
    Column("bytes", "bytes", "% of float32", digits=3),
    Column("ratio", "signal / noise", "dB", digits=3),
    Column("after", "right, rounded", "%", digits=3),
    Column("aware", "right, learnt so", "%", digits=3),
    Column("before", "right, not rounded", "%", digits=3, detail=True),
    Column("law", "signal / noise by the law", "dB", digits=3, detail=True),
    Column("noise_error", "noise less the law", "standard errors", digits=2, detail=True),
    Column("half_steps", "largest error", "half steps", digits=3, detail=True),
)


def rounding(bits: int) -> Callable[[np.ndarray], np.ndarray]:
    """w: (I, J) -> the weights that codes of so many bits stand for, with a scale for each column."""
    if bits == 1:
        return lambda w: signed_weights(binarise(w))
    return lambda w: dequantise(quantise(w, bits, per="channel"))


def rows(run: Run[Settings]) -> Measured:
    """Each number of bits: the noise in a matrix of normal weights, and what is left of trained networks."""
    with blas_threads(1):
        for bits in run.over(sorted(set(run.settings.bits), reverse=True), "{} bits"):
            yield {"bits": bits, **noise_of(bits, run.generator(0)), **answers(run, bits)}


def noise_of(bits: int, rng: np.random.Generator) -> dict[str, float]:
    w = rng.standard_normal((ROWS, COLUMNS_OF_IT))
    error = rounding(bits)(w) - w
    noise, noise_se = mean_with_error(error * error)
    half_steps = 0.0
    if bits == 1:
        law, n_bytes = 1 - 2 / math.pi, w.size / 8 + 8 * COLUMNS_OF_IT  # scales are as exact as w
    else:
        codes = quantise(w, bits, per="channel")
        law, n_bytes = float((codes.scale**2).mean()) / 12, codes.n_bytes
        half_steps = float((abs(error) / (codes.scale[0] / 2)).max())
    law *= 1 - 1 / ROWS
    return {
        "bytes": 100 * (n_bytes - 4 * COLUMNS_OF_IT) / (4 * w.size),  # scales in float32, as the weights would be
        "ratio": 10 * math.log10(1 / noise),
        "law": 10 * math.log10(1 / law),
        "noise_error": (noise - law) / noise_se,
        "half_steps": half_steps,
    }


def answers(run: Run[Settings], bits: int) -> dict[str, Any]:
    steps, found = run.settings.steps, []
    for number in range(run.settings.models):
        run.saying(f"{bits} bits, network {number + 1}")(number, run.settings.models)
        found.append((*rounded_after(steps, bits, run.seed, number), trained_with(steps, bits, run.seed, number)))
    before, after, aware = (list(way) for way in zip(*found, strict=True))
    return {
        **{name: 100 * float(np.mean(way)) for name, way in (("before", before), ("after", after), ("aware", aware))},
        "before_by_seed": before,
        "after_by_seed": after,
        "aware_by_seed": aware,
    }


def world(seed: int, number: int) -> tuple[Perceptron, Blobs, Points]:
    """A fresh network, the points that it learns from, and new ones to ask."""
    blobs = Blobs(CLASSES, WIDTH, seed=(seed, number, 1))
    rng = generator(seed, number, 2)
    return Perceptron(WIDTH, HIDDEN, CLASSES, rng), blobs, blobs.draw(ASKED, rng)


def learn(model: Perceptron, blobs: Blobs, loss: Any, steps: int, seed: int) -> None:
    schedule = functools.partial(constant, learning_rate=RATE)
    for _ in train(model, lambda rng: blobs.draw(BATCH, rng), loss, Adam(model), schedule, steps, None, seed):
        pass


@functools.lru_cache(maxsize=256)
def learnt(steps: int, seed: int, number: int) -> dict[str, np.ndarray]:
    """The weights after training that knows of no rounding."""
    model, blobs, _ = world(seed, number)
    learn(model, blobs, points_loss(), steps, seed)
    return model.state()


def rounded_after(steps: int, bits: int, seed: int, number: int) -> tuple[float, float]:
    """-> the share right before the weights are rounded, and afterwards."""
    model, _, new = world(seed, number)
    model.load_state(learnt(steps, seed, number))
    return judge(model, new).accuracy, judge(with_rounded(model, bits), new).accuracy


def trained_with(steps: int, bits: int, seed: int, number: int) -> float:
    """The share right of a network, rounded, that learnt with its weights rounded."""
    model, blobs, new = world(seed, number)
    learn(model, blobs, quantisation_aware(points_loss(), rounding(bits)), steps, seed)
    return judge(with_rounded(model, bits), new).accuracy


def with_rounded(model: Perceptron, bits: int) -> Perceptron:
    for linear in linear_maps(model).values():
        linear.w.value[...] = rounding(bits)(linear.w.value)
    return model


def outlier_noise(rng: np.random.Generator) -> tuple[float, float]:
    """-> the noise at 8 bits with one scale for all, over that before one weight stood out; its standard error."""
    w = rng.standard_normal((ROWS, COLUMNS_OF_IT))
    noises = []
    for factor in (1.0, OUTLIER):
        changed = w.copy()
        changed.flat[abs(w).argmax()] *= factor
        noises.append(mean_with_error((dequantise(quantise(changed, 8)) - changed) ** 2))
    (plain, plain_se), (loud, loud_se) = noises
    return loud / plain, loud / plain * math.hypot(plain_se / plain, loud_se / loud)


# Judging


def lost(row: Mapping[str, Any]) -> float:
    """The share of all answers that rounding after training takes."""
    return paired_difference(row["before_by_seed"], row["after_by_seed"]).mean


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    many = [row for row in run.rows if row["bits"] >= 4] or run.rows
    few = [row for row in run.rows if row["bits"] <= 2] or run.rows
    of_steps, lawful = ([row for row in run.rows if row["bits"] != other] for other in (1, 2))
    rise, rise_se = outlier_noise(run.generator(1))
    low = fewest(run)
    won = paired_difference(low["aware_by_seed"], low["after_by_seed"])
    return (
        at_most("half-step", "the largest error, in half steps", 1 + 1e-9, largest(r["half_steps"] for r in of_steps)),
        at_most("noise", "noise less the law, all but 2 bits, in standard errors", 5.0,
                largest(abs(row["noise_error"]) for row in lawful)),
        exactly("bytes", "bytes, less bits / 32 and a scale for each column, in percent of float32", 0.0,
                largest(abs(row["bytes"] - 100 * (row["bits"] / 32 + 1 / ROWS)) for row in run.rows)),
        near("outlier", f"a weight {OUTLIER:g} times as large makes the noise of all larger, by", OUTLIER**2, rise,
             rise_se),
        at_most("many", "share of right answers lost to 4 bits and more, rounded after training", SMALL,
                largest(lost(row) for row in many)),
        at_least("few", "... to 2 bits and less", COUNTS, smallest(lost(row) for row in few)),
        at_least("aware", f"what learning with {count(low['bits'])} wins back, as a share: 95% interval, from", WON,
                 won.low),
    )  # fmt: skip


# Saying


def fewest(run: Run[Settings]) -> Mapping[str, Any]:
    return min(run.rows, key=lambda row: row["bits"])


def four(run: Run[Settings]) -> Mapping[str, Any]:
    """The row of 4 bits, or the next above."""
    return min((row for row in run.rows if row["bits"] >= 4), key=lambda row: row["bits"], default=run.rows[0])


def count(bits: int) -> str:
    return f"{bits} bit{'' if bits == 1 else 's'}"


def prompt(run: Run[Settings]) -> str:
    return (
        f"Networks that tell {CLASSES} classes apart get weights of {count(min(run.settings.bits))}, rounded after "
        f"training. How many percent do they name rightly? (Guessing: {100 // CLASSES})"
    )


def question(run: Run[Settings]) -> Question:
    row = fewest(run)
    explanation = f"Before it is {row['before']:.3g}; learnt with rounded weights, {row['aware']:.3g}."
    return Question(prompt(run), row["after"], 0.15, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings, low, middle, high = run.settings, fewest(run), four(run), run.rows[0]
    kept = paired_difference(low["before_by_seed"], low["aware_by_seed"])
    rest = f"{100 * kept.mean:.2g}% is still lost" if kept.told_apart else "no loss is told"
    rise, _ = outlier_noise(run.generator(1))
    return (
        Text(
            f"Rounded to {count(middle['bits'])} after training, networks name {middle['after']:.3g}% rightly, before "
            f"{middle['before']:.3g}%; to {count(low['bits'])}, {low['after']:.3g}%. Learnt so they reach "
            f"{low['aware']:.3g}%: {rest}."
        ),
        Text(
            f"From {count(high['bits'])} to {count(middle['bits'])} signal over noise falls from {high['ratio']:.3g} "
            f"to {middle['ratio']:.3g} dB, some 6 dB a bit (the codes: Jacob et al. 2018, section 2.1). With "
            f"{count(low['bits'])} weights take {low['bytes']:.2g}% of the bytes, with a scale for each column."
        ),
        Text(
            f"One weight {OUTLIER:g} times as large as the largest makes the noise {rise:.3g} times as large for all "
            "that share its scale. So a scale is shared by a column, or by fewer. With 2 bits the step is a column's "
            "largest weight, and most of its weights become 0: there a sign with a mean as its scale is less noisy."
        ),
        Text(
            f"n = {settings.models} networks of {WIDTH * HIDDEN + HIDDEN * CLASSES} weights, {settings.steps} steps, "
            f"{ASKED:,} new points each; differences are taken network by network. Only weights are rounded, not what "
            "flows between the layers. Large language models have outliers that these networks lack."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return quantisation_plots(run.rows)
