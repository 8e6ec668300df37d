"""Batch size and learning rate: noise, gradient accumulation, the linear and the root rule, and the critical batch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training.accumulation import BATCH_NORM, EQUAL, PLAIN, TOKENS, TOKENS_PLAIN, UNDIVIDED, WEIGHTED
from tfx.lab.training.batch_and_rate import best_step, best_steps, parts_against_whole, steps_and_examples, steps_at
from tfx.lab.training.batch_size import RULES, gradient_noise
from tfx.measure.verdicts import largest, smallest
from tfx.schedule import rate_for_batch

MEASURED, DRAWS = (4, 64), 100
BATCHES, FIRST, TARGET = (4, 32, 256, 2048, 16_384), 4, 0.1


@dataclass(frozen=True)
class Settings:
    noise: int = setting(64, 16, 128, "variance of one example's gradient, where the gradient begins at 1")


class Run:
    """measured: noise and signal of a small network's gradients, by batch.  parts: of each way to add up parts."""

    def __init__(self, request: Request) -> None:
        self.seed, self.noise = request.seed, request.settings.noise

    @cached_property
    def measured(self) -> dict[int, dict[str, float]]:
        with blas_threads(1):
            return {b: gradient_noise(b, DRAWS, np.random.default_rng((self.seed, 1)), np.random.default_rng((self.seed, 2, b))) for b in MEASURED}  # fmt: skip

    @cached_property
    def parts(self) -> dict[str, tuple[float, float]]:
        with blas_threads(1):
            return parts_against_whole(lambda: np.random.default_rng((self.seed, 3)))

    def steps(self, batch: int) -> dict[str, float]:
        """By each rule, from a rate of 0.1 / noise at the smallest batch."""
        return {name: steps_at(rate_for_batch(0.1 / self.noise, batch, FIRST, power), batch, self.noise, TARGET) for name, power in RULES.items()}  # fmt: skip


lesson = Lesson(Run, Settings)


@lesson.step("A batch is an estimate, and it is noisy")
def an_estimate(run: Run) -> Iterator[Shown]:
    small, big = run.measured.values()
    few, many = MEASURED
    rows = [{"batch": b, "signal": m["signal"], "noise": m["noise"], "law": m["noise_law"]} for b, m in run.measured.items()]  # fmt: skip
    yield "The gradient of a batch is a mean over its examples. Another batch gives another mean, around the same gradient. More examples do not make it longer; they make it surer."
    yield formula("noise = deviation / sqrt(batch)", "deviation: of one example's gradient")
    yield question(f"From {few} to {many} examples: by what is the noise divided?", math.sqrt(many / few), f"The root of {many // few}.")  # fmt: skip
    yield table(f"a small network, {DRAWS} batches of each size; the whole gradient has size 1", rows, batch="batch", signal="mean along it :3", noise="noise :3", law="by the law :3")  # fmt: skip
    yield f"At batch {few} the noise is {small['noise']:.1f} times as large as the gradient itself, at {many} it is {big['noise']:.2f}."
    yield within("law", "noise over the law, the worse of the two", 1.0, 1 + largest(abs(m["noise"] / m["noise_law"] - 1) for m in run.measured.values()), 0.2)  # fmt: skip
    yield at_most("signal", "mean along the gradient: off by, in standard errors", 5, largest(abs(m["signal"] - 1) / m["signal_se"] for m in run.measured.values()))  # fmt: skip
    yield gradient_noise


@lesson.step("A large batch in parts: accumulation")
def in_parts(run: Run) -> Iterator[Shown]:
    found = run.parts
    rows = [{"way": way, "length": found[way][0], "error": found[way][1]} for way in (EQUAL, UNDIVIDED, PLAIN, WEIGHTED, BATCH_NORM)]  # fmt: skip
    yield "Each part goes forward and backward, gradients add up, and one step follows."
    yield formula("gradient = sum of share * gradient of a part", "share of rows, or of tokens")
    yield question("4 equal parts, added and not divided: how many times as long?", 4, "Each part is a mean already.", 0)  # fmt: skip
    yield table("4 parts against the whole batch", rows, way="parts", length="length :3", error="off by, as a share :2")
    yield "Of padded text, parts weigh by tokens. Batch norm takes other statistics from each part, whatever the weights."
    yield at_most("same", "equal, or weighted by what they count: off by", 1e-12, largest(found[way][1] for way in (EQUAL, WEIGHTED, TOKENS)))  # fmt: skip
    yield within("undivided", "not divided: times as long", 4.0, found[UNDIVIDED][0], 1e-9)
    yield at_least("off", "plain mean of unequal parts, of padded text, or batch norm: off by", 1e-3, smallest(found[way][1] for way in (PLAIN, TOKENS_PLAIN, BATCH_NORM)))  # fmt: skip


@lesson.step("The rate follows the batch: two rules")
def two_rules(run: Run) -> Iterator[Shown]:
    rows = [{"k": k, "linear": rate_for_batch(0.1, k, 1, 1.0), "root": rate_for_batch(0.1, k, 1, 0.5)} for k in (4, 16, 64)]  # fmt: skip
    yield "Less noise leaves room for longer steps. SGD: 4 small steps with nearly the same gradient add up to one of 4 times the rate (linear rule)."
    yield formula("linear: rate * times   root: rate * sqrt(times)", "times the batch")
    yield "Adam divides by the size of the gradients. Where that is mostly noise, it falls as 1 / sqrt(batch), and the root rule is derived."
    yield question("Adam, batch 256 to 4,096, rate 0.001. The root rule gives?", rate_for_batch(0.001, 4096, 256, 0.5), "The batch grows 16 times, the rate 4 times.")  # fmt: skip
    yield table("rates, from 0.1", rows, k="times", linear="linear rule :3", root="root rule :3")
    yield agree("rules", "linear over root, and the root of k", [row["linear"] / row["root"] for row in rows], np.sqrt([row["k"] for row in rows]))  # fmt: skip
    yield Source("Goyal et al.", 2017, "Accurate, Large Minibatch SGD", "section 2.1")
    yield Source("Malladi et al.", 2022, "On the SDEs and Scaling Rules")


@lesson.step("How far the rules carry")
def how_far(run: Run) -> Iterator[Shown]:
    found = {b: run.steps(b) for b in BATCHES}
    best = {b: best_steps(b, run.noise, TARGET) for b in BATCHES}
    rows = [{"batch": b, **{k: v if v < math.inf else "never" for k, v in s.items()}, "best": best[b], "examples": b * best[b]} for b, s in found.items()]  # fmt: skip
    first, last = found[BATCHES[0]], found[BATCHES[-1]]
    yield f"Lower x^2 / 2 by SGD, with noise of variance {run.noise} / batch. Steps can be counted:"
    yield formula(f"mean of x^2 <- (1 - rate)^2 * mean of x^2 + rate^2 * {run.noise} / batch")
    yield question("8 times a small batch, linear rule: how many times fewer steps?", 8, "Each does the work of 8.", 0.03)  # fmt: skip
    yield table(f"steps to bring the mean of x^2 from 1 to {TARGET:g}; ever best: each step its best rate", rows, batch="batch", same="same rate :5", root="root rule :5", linear="linear rule :5", best="ever best :5", examples="examples :7")  # fmt: skip
    yield "At one small rate a larger batch saves next to nothing. The linear rule saves in proportion, until the rate passes 2, where steps overshoot."
    yield within("linear", f"linear rule: steps at {BATCHES[0]} over those at {BATCHES[1]}", 8, first["linear"] / found[BATCHES[1]]["linear"], 0.7)  # fmt: skip
    yield at_least("same-rate", "same rate: steps left at the largest batch, as a share", 0.9, last["same"] / first["same"])  # fmt: skip
    yield exactly("ends", "linear rule: steps at the largest batch", "never", "never" if last["linear"] == math.inf else str(last["linear"]))  # fmt: skip
    yield at_least("wasted", "best rates: examples at the largest batch over the smallest", 2, BATCHES[-1] * best[BATCHES[-1]] / (BATCHES[0] * best[BATCHES[0]]))  # fmt: skip
    yield Try("tfx experiment batch-size")


@lesson.step("The critical batch")
def critical_batch(run: Run) -> Iterator[Shown]:
    small = run.measured[MEASURED[0]]
    critical = small["noise_law"] ** 2 * MEASURED[0]
    rows = [{"share": share, "steps": s, "examples": e} for share in (0.1, 1, 10) for s, e in (steps_and_examples(share, 1),)]  # fmt: skip
    yield "At one size noise equals gradient. Beyond it more examples buy ever less."
    yield formula("critical = variance of one / |gradient|^2")
    yield formula("steps = fewest * (1 + critical / batch)", "examples = fewest * (1 + batch / critical)")
    yield question("At the critical batch: how many times the fewest steps?", 2, "1 + 1; and twice the fewest examples.", 0)  # fmt: skip
    yield table("in units of the fewest possible", rows, share="batch / critical :2", steps="steps :3", examples="examples :3")  # fmt: skip
    yield f"The network above: {small['noise_law']:.2f}^2 * {MEASURED[0]} = {critical:.0f} examples. It grows as a loss falls."
    yield within("half", "x^2 above: left by the best first step, at batch = noise variance", 0.5, best_step(1.0, run.noise, run.noise), 1e-12)  # fmt: skip
    yield agree("product", "(steps - 1) * (examples - 1)", [(row["steps"] - 1) * (row["examples"] - 1) for row in rows], 1.0)  # fmt: skip
    yield Source("McCandlish et al.", 2018, "An Empirical Model of Large-Batch Training")


@lesson.step("What is often said, and what came after")
def too_strong(run: Run) -> Iterator[Shown]:
    small, big = run.measured.values()
    yield Said("A large batch keeps the signal of the gradient strong.", "false", f"The mean gradient stays: {small['signal']:.2f} and {big['signal']:.2f} of the whole here. The noise falls.", "C229")  # fmt: skip
    yield Said("Large batches stabilise training.", "true with conditions", "Where noise disturbs. They do not make a rate bearable that is too high.", "C230")  # fmt: skip
    yield Said("Gradient accumulation gives the gradient of a larger batch.", "true with conditions", "Parts weigh by what they count, and no layer uses batch statistics. Each goes forward and back.", "C231")  # fmt: skip
    yield "Language models use batches of millions of tokens. In OLMo models the critical batch was near 0 at first, grew fast, and then was level: one may raise the batch in training. On one device a small batch with a fitting rate often does as well as accumulation."
    yield at_most("stays", "signal at both sizes: apart, in standard errors", 6, abs(small["signal"] - big["signal"]) / math.hypot(small["signal_se"], big["signal_se"]))  # fmt: skip
    yield Source("Merrill et al.", 2025, "Critical Batch Size Revisited")
    yield Source("Marek et al.", 2025, "Small Batch Size Training for Language Models")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A larger batch lowers the noise of the gradient, as 1 / sqrt(batch); the mean gradient stays. That allows longer steps: linear in the batch for SGD, often the square root for Adam, both only up to a critical batch. Beyond it steps are hardly saved, and examples are wasted."
    yield "Gradient accumulation over k parts gives the gradient of one batch k times as large, for a mean loss and equal token counts; else parts are weighted by tokens, and no layer may use batch statistics. Forward and backward are repeated, the update is not."
    yield Try("tfx quiz batch-size-lr")
