"""What loss scaling saves: gradients that float16 rounds to zero, and what a scale that is too large does.

    lost         |g| S <= 2^-25          half of the smallest number of float16: it rounds to 0
    overflow     |g| S >= 65520          half a step above the largest number of float16: it rounds to infinity

so of gradients that are spread evenly over powers of ten from a to b, with L = log10, the share
    (L(2^-25 / S) - L(a)) / (L(b) - L(a))   is lost,     (L(b) - L(65520 / S)) / (L(b) - L(a))   overflows.

A power of two changes no bit of the others.  Beside the drawn gradients stands that of a small model whose batch is one
of many, so that its loss counts for little: float16 with each scale against float32.
The second half of the story needs no gradient: near 1 the numbers of float16 are 2^-10 apart, and an update of less
than half of that is rounded away each time, for which there are master weights in float32.
Source: Micikevicius et al. 2018, "Mixed Precision Training", sections 3.1 and 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.training.loss_scaling_plots import loss_scaling_plots
from tfx.measure.crossing import first_failure
from tfx.measure.estimates import distance_in_se
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_least, at_most, exactly, largest, smallest, within
from tfx.models import DecoderOnly
from tfx.nn.linear import Linear
from tfx.optim import SGD, AdamW, LossScale, MixedPrecision, Optimizer
from tfx.records import Check, Column, Plot, Question, Text
from tfx.schedule import constant
from tfx.settings import setting
from tfx.train import next_token_loss, scaled_loss, train

QUESTION = "Which gradients does float16 lose, and what does scaling the loss save?"
ORDER = 6
TITLE = "Gradients in float16, by loss scale"
CLAIM = (
    "In float16 small gradients become zero. A loss that is multiplied by a scale saves them, until the largest "
    "overflow."
)
BREAK_IT = ("--set scales=0,1", "--set parts=1")
HOST_ONLY = "Rounding some numbers to float16 takes milliseconds: nothing for a card."

#: Shares lie within so many standard errors of what is expected.
TOLERANCE_SE = 5.0
#: A gradient is kept when it is off by less than this share: logits below 32 are rounded by up to 2^-7 = 0.8%, the two
#: that a loss compares by twice that, and some ten more roundings of 2^-11 follow.
KEPT = 0.05
#: Lost when at least half of its length is wrong.
GONE = 0.5
#: Updates added to a weight of 1: how many, and how large.
UPDATES, UPDATE = 1000, 1e-4
TOKENS, LENGTH, BATCH = 7, 8, 16


@dataclass(frozen=True)
class Settings:
    scales: tuple[int, ...] = setting((0, 5, 10, 15, 20, 24, 30, 36), 0, 100, "scales are 2 to this", at_least=2)
    low: float = setting(-10.0, -15.0, -8.0, "the smallest gradient drawn is 10 to this")
    high: float = setting(-2.0, -7.0, 4.0, "the largest gradient drawn is 10 to this")
    gradients: int = setting(200_000, 100, 5_000_000, "gradients drawn")
    steps: int = setting(60, 1, 1000, "steps that the model is trained for, first")
    parts: int = setting(1024, 1, 1_000_000, "its batch is one of so many that are averaged")

    def quick(self) -> Settings:
        """A tenth of the gradients."""
        return replace(self, gradients=max(100, self.gradients // 10))

    def full(self) -> Settings:
        return replace(self, gradients=5_000_000, scales=tuple(range(41)))

    def bytes_needed(self) -> float:
        """The gradients in float64, float32 and float16, and what is compared."""
        return 40.0 * self.gradients


COLUMNS = (
    Column("scale", "scale, a power of 2"),
    Column("flushed", "become zero", digits=3),
    Column("flushed_law", "zero, by theory", digits=3, detail=True),
    Column("overflowed", "overflow", digits=3),
    Column("overflowed_law", "overflow, by theory", digits=3, detail=True),
    Column("rounding", "error of the others", digits=3),
    Column("model_error", "error of a model", digits=3),
)


def rows(run: Run[Settings]) -> Measured:
    """Every scale meets the same gradients and the same model."""
    for power in run.over(sorted(set(run.settings.scales)), "scale 2^{}"):
        yield measure_row(run.settings, run.seed, power)
    yield from master_checks()


# Measuring


def measure_row(settings: Settings, seed: int, power: int) -> dict[str, Any]:
    scale, (low, high) = 2.0**power, (settings.low, settings.high)
    true = 10 ** generator(seed).uniform(low, high, settings.gradients)
    half = to_half(true * scale)
    normal = np.isfinite(half) & (half >= np.finfo(np.float16).tiny)
    kept = half[normal].astype(np.float64) / scale
    zero, infinite = laws(power, low, high)
    return {
        "scale": power,
        "flushed": float((half == 0).mean()),
        "flushed_law": zero,
        "overflowed": float(np.isinf(half).mean()),
        "overflowed_law": infinite,
        "rounding": float(abs(kept / true[normal] - 1).max()) if normal.any() else 0.0,
        "model_error": model_error(settings.steps, seed, scale / settings.parts),
    }


def to_half(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return x.astype(np.float16)


def laws(power: int, low: float, high: float) -> tuple[float, float]:
    """Which share is lost, and which overflows."""
    shift = power * math.log10(2)
    zero, infinite = math.log10(2.0**-25) - shift - low, high - math.log10(65520) + shift
    return min(max(zero / (high - low), 0.0), 1.0), min(max(infinite / (high - low), 0.0), 1.0)


def counting(rng: np.random.Generator) -> np.ndarray:
    """(B, T + 1): from a random symbol on, each is the next one."""
    return (rng.integers(TOKENS, size=(BATCH, 1)) + np.arange(LENGTH + 1)) % TOKENS


def new_model(seed: int, dtype: str) -> DecoderOnly:
    return DecoderOnly(TOKENS, 16, 2, 32, 1, seed=seed, dtype=dtype, activation="relu")


@lru_cache(maxsize=1)
def trained(steps: int, seed: int) -> DecoderOnly:
    """A float32 model that counts; the better it does, the smaller its gradients."""
    model = new_model(seed, "float32")
    rate = partial(constant, learning_rate=0.02)
    for _ in train(model, counting, next_token_loss(), AdamW(model), rate, steps, seed=seed):
        pass
    return model


def model_error(steps: int, seed: int, scale: float) -> float:
    """|g16 / S - g32| / |g32| for one batch; infinite where a number of g16 is."""
    wide, half = trained(steps, seed), new_model(seed, "float16")
    batch, rng = counting(generator(seed, 1)), generator(seed, 2)
    for name, parameter in half.parameters().items():
        parameter.value[...] = wide.parameters()[name].value
    wide.zero_grad()
    next_token_loss()(wide, batch, rng)
    true = np.concatenate([parameter.grad.ravel() for parameter in wide.parameters().values()])
    optimizer = MixedPrecision(half, AdamW, LossScale(scale, interval=None, smallest=scale))
    half.zero_grad()
    scaled_loss(next_token_loss(), optimizer)(half, batch, rng)
    optimizer.collect()
    found = optimizer.parameters.grad
    return float(np.linalg.norm(found - true) / np.linalg.norm(true)) if np.isfinite(found).all() else math.inf


def updated(times: int, size: float, master: bool) -> float:
    """A float16 weight of 1 after so many updates, by a float32 copy that takes them or without one."""
    layer = Linear(1, 1, np.random.default_rng(0), bias=False, dtype="float16")
    layer.w.value[...] = 1.0
    optimizer: Optimizer = MixedPrecision(layer, SGD, LossScale(1.0, interval=None)) if master else SGD(layer)
    for _ in range(times):
        layer.w.grad[...] = -1.0
        optimizer.collect()
        optimizer.step(size)
    return float(layer.w.value[0, 0])


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, n = run.rows, run.settings.gradients

    def worst(key: str) -> float:
        laws = [row[f"{key}_law"] for row in rows]
        errors = [math.sqrt(max(law * (1 - law), 0.0) / n) for law in laws]
        found = zip((row[key] for row in rows), laws, errors, strict=True)
        return largest(distance_in_se(share, law, error) for share, law, error in found)

    return (
        at_most("flushed", "the share that becomes zero is as expected: worst scale, in standard errors", TOLERANCE_SE,
                worst("flushed")),
        at_most("overflow", "the share that overflows is as expected: worst scale, in standard errors", TOLERANCE_SE,
                worst("overflowed")),
        at_most("rounding", "the others come back to 11 bits, whatever the scale: worst error", 2.0**-11 + 1e-12,
                largest(row["rounding"] for row in rows)),
        at_least("model-loses", "with the smallest scale the gradient of a trained model is off by", GONE,
                 rows[0]["model_error"]),
        at_most("model-saved", "... and with the best one by", KEPT, smallest(row["model_error"] for row in rows)),
    )  # fmt: skip


def master_checks() -> Iterator[Check]:
    """What no gradient is needed for: updates of a weight of 1."""
    what = f"{UPDATES} updates of {UPDATE:g} leave a float16 weight of 1 at"
    yield exactly("half-stays", what, 1.0, updated(UPDATES, UPDATE, master=False))
    yield within("master", "... and with a float32 copy at", 1 + UPDATES * UPDATE, updated(UPDATES, UPDATE, True), 1e-3)
    moved = first_failure(lambda size: updated(1, size, master=False) > 1, 0.01)
    yield within("half-a-step", "the smallest update that a float16 weight of 1 takes", 2.0**-11, moved, 2.0**-23)


# Saying


def prompt(run: Run[Settings]) -> str:
    low, high, scale = run.settings.low, run.settings.high, min(run.settings.scales)
    scaled = f", after scaling by 2^{scale}" if scale else ""
    return (
        f"Gradients lie evenly over the powers of ten from 1e{low:g} to 1e{high:g}. float16 makes 0 of what is below "
        f"3e-8{scaled}: of which share of them?"
    )


def question(run: Run[Settings]) -> Question:
    first = run.rows[0]
    return Question(prompt(run), first["flushed"], 0.1, "It is how far -7.5 lies above the smallest, over the range.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The first, the best for the model, the first that overflows, and the last."""
    errors = [row["model_error"] for row in run.rows]
    overflows = [index for index, row in enumerate(run.rows) if row["overflowed"]]
    return (0, errors.index(min(errors)), *overflows[:1], len(errors) - 1)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    first, last = run.rows[0], run.rows[-1]
    best = min(run.rows, key=lambda row: row["model_error"])
    by_id = {check.id: check.measured for check in run.verdicts}
    return (
        Text(
            f"At scale 2^{first['scale']} float16 makes {first['flushed']:.0%} of the gradients zero, and a model's "
            f"gradient is off by {first['model_error']:.0%}. At 2^{best['scale']} these are {best['flushed']:.0%} and "
            f"{best['model_error']:.1%}; at 2^{last['scale']} {last['overflowed']:.0%} overflow."
        ),
        Text(
            "The scale multiplies every gradient by the chain rule, and the optimiser divides by it in float32 "
            "(Micikevicius et al. 2018, section 3.2). A step that overflows is skipped and the scale halved."
        ),
        Text(
            f"Master weights are the other half (section 3.1 there): {UPDATES} updates of {UPDATE:g} leave a float16 "
            f"weight of 1 at {by_id['half-stays']:g}, and bring its float32 copy to {by_id['master']:.4g}. Near 1 an "
            f"update below {by_id['half-a-step']:.3g} is rounded away."
        ),
        Text(
            f"The model has learnt for {run.settings.steps} steps, and its batch is one of {run.settings.parts} that "
            "are averaged, as where many tokens share one loss. A loss that is not shared (--set parts=1) needs no "
            "scale. The error is the length of the difference, as a share of the length in float32."
        ),
        Text("bfloat16 has the range of float32, so it needs no loss scale; it has fewer bits, so it needs the copy."),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    powers = range(run.rows[0]["scale"], run.rows[-1]["scale"] + 1)
    return loss_scaling_plots(run.rows, powers, [laws(p, run.settings.low, run.settings.high) for p in powers])
