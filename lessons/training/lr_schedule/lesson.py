"""The learning rate over time: the first Transformer's schedule and its relatives, why it rises, and why it falls."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from lessons.writing import (
    Lesson, Plot, Request, Said, Shown, Source, Try, at_least, at_most, exactly, formula, lines, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training import warmup as lab
from tfx.lab.training.rate_over_time import at_rest, settled_step, stationary, steps_under_noise
from tfx.schedule import inverse_square_root, noam, warmup_cosine, warmup_inverse_square_root, warmup_linear

TOTAL, RUN_STEPS, RUN_WARMUP = 100_000, 50, 25
NOISY, RATE = 300, 0.1


@dataclass(frozen=True)
class Settings:
    d_model: int = setting(512, 64, 4096, "width of the model, C")
    warmup: int = setting(4000, 100, 10_000, "steps of warm-up")


class Run:
    """rate: of a step, the first Transformer's.  copied: what two short trainings copy, without and with a warm-up."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed
        self.warmup = request.settings.warmup
        self.rate: Callable[[int], float] = partial(noam, d_model=self.settings.d_model, warmup=self.warmup)
        self.peak = self.rate(self.warmup)

    @cached_property
    def copied(self) -> tuple[float, float]:
        short = lab.Settings(steps=RUN_STEPS, warmup=RUN_WARMUP)
        with blas_threads(1):
            bare, warm = (lab.trained(short, lab.POST, short.high, steps, (self.seed, 0))[0] for steps in (0, RUN_WARMUP))  # fmt: skip
        return bare, warm


lesson = Lesson(Run, Settings)


@lesson.step("A rate that rises, and then falls")
def rises_and_falls(run: Run) -> Iterator[Shown]:
    w = run.warmup
    steps = [round(w * share) for share in (0.02, *np.arange(0.25, 5.01, 0.25))]
    yield "Long steps throw a model about at the start, and keep it from settling at the end. So the rate rises (warm-up), and falls (decay)."
    yield Plot("The first Transformer's schedule, in thousandths", "step", "1000 * rate", lines(steps, rate=lambda step: 1000 * run.rate(int(step))))  # fmt: skip
    yield question(f"At step {w // 4:,}: which share of the peak, at {w:,}?", (w // 4) / w, "A straight line from 0.")  # fmt: skip
    yield exactly("peak-at", "the step with the largest rate", w, int(np.argmax([run.rate(step) for step in range(1, 3 * w)])) + 1)  # fmt: skip


@lesson.step("The formula, by hand")
def by_hand(run: Run) -> Iterator[Shown]:
    c, w = run.settings.d_model, run.warmup
    times = (("the start", 1), ("half of the warm-up", w // 2), ("its end", w), ("4 times that", 4 * w))
    rows = [{"when": when, "t": t, "one": t**-0.5, "two": t * w**-1.5, "rate": run.rate(t)} for when, t in times]
    yield formula("rate = C^-0.5 * min(t^-0.5, t * warmup^-1.5)", "t: step, from 1; C = d_model")
    yield "The second rules first. At t = warmup they meet, at warmup^-0.5."
    yield question(f"C = {c}, {w:,} steps of warm-up: the largest rate?", run.peak, f"1 / sqrt({c} * {w}).")
    yield table(f"C = {c}, {w:,} steps of warm-up", rows, when="when", t="t :6", one="t^-0.5 :3", two="t * warmup^-1.5 :3", rate="rate :3")  # fmt: skip
    yield within("peak", "largest rate, in units of 1 / sqrt(C * warmup)", 1.0, run.peak * math.sqrt(c * w), 1e-12)
    yield within("quarter", "rate at 4 times the warm-up, over the peak", 0.5, run.rate(4 * w) / run.peak, 1e-12)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 5.3, equation 3")


@lesson.step("Its relatives")
def relatives(run: Run) -> Iterator[Shown]:
    w = run.warmup
    kinds: dict[str, Callable[[int], float]] = {
        "inverse root (2017)": partial(warmup_inverse_square_root, peak=1.0, warmup=w),
        "linear (BERT)": partial(warmup_linear, peak=1.0, warmup=w, total=TOTAL),
        "cosine": partial(warmup_cosine, peak=1.0, warmup=w, total=TOTAL),
        "hold, then linear": partial(warmup_linear, peak=1.0, warmup=w, total=TOTAL, hold=round(0.8 * (TOTAL - w))),
        "flat, inverse root (T5)": lambda step: math.sqrt(w) * inverse_square_root(step, w),
    }
    half = w + (TOTAL - w) // 2
    rows = [{"kind": kind, "one": f(1), "w": f(w), "half": f(half), "late": f(TOTAL - (TOTAL - w) // 10), "end": f(TOTAL)} for kind, f in kinds.items()]  # fmt: skip
    yield f"Most share the rise and differ in the fall. {TOTAL:,} steps, all with the peak 1:"
    yield question("Cosine, from 1 to 0: the rate half way between peak and end?", 0.5, "(1 + cos(pi / 2)) / 2: the mean of peak and floor.")  # fmt: skip
    yield table("share of the peak; late: a tenth from the end", rows, kind="schedule", one="first :2", w="risen :3", half="half way :3", late="late :3", end="end :3")  # fmt: skip
    yield "Linear and cosine need the number of steps beforehand. To hold the peak and fall at the end (WSD: warm-up, stable, decay) lets one stop when one likes."
    yield within("middle", "cosine, half way", 0.5, kinds["cosine"](half), 1e-3)
    yield within("flat", "T5's: first rate over that at the end of the warm-up", 1.0, kinds["flat, inverse root (T5)"](1), 1e-12)  # fmt: skip
    yield Source("Loshchilov and Hutter", 2017, "SGDR", "equation 5")
    yield Source("Hu et al.", 2024, "MiniCPM")


@lesson.step("Why it rises: Adam's first steps are long")
def why_it_rises(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    sizes, law = steps_under_noise(NOISY, rng), settled_step()
    rows = [{"t": t, "size": sizes[t - 1], "share": 100 * min(t / RUN_WARMUP, 1) * sizes[t - 1]} for t in (1, 3, 10, NOISY)]  # fmt: skip
    yield "Let gradients be noise alone. Adam's first step is one rate long, as its averages hold one gradient. Later noise cancels."
    yield formula("step -> sqrt((1 - 0.9) / (1 + 0.9)) rates", "root mean square")
    yield question("How many rates, in the end?", law, "The mean of many gradients has this share of their size.")
    yield table(f"Adam's step under noise, in rates; in percent with a warm-up of {RUN_WARMUP}", rows, t="step", size="size :3", share="warmed :3")  # fmt: skip
    yield "Under noise the first steps are the longest, and rest on few batches. Warm-up makes them short. It is not about large gradients: Adam divides size out."
    yield within("first", "the first step, in rates", 1.0, float(sizes[0]), 1e-6)
    yield within("settled", "the last step, in rates", law, float(sizes[-1]), 0.02)
    yield Source("Ma and Yarats", 2021, "On the adequacy of untuned warmup for adaptive optimization")


@lesson.step("What breaks without it: post-LN at a high rate")
def what_breaks(run: Run) -> Iterator[Shown]:
    bare, warm = run.copied
    high, layers = lab.Settings().high, lab.Settings().layers
    rows = [{"warmup": "none", "right": 100 * bare}, {"warmup": f"{RUN_WARMUP} steps", "right": 100 * warm}]
    yield f"Two equal post-LN models of {layers} blocks learn to copy {lab.SYMBOLS} symbols, {RUN_STEPS} steps of Adam at rate {high:g}, on the same batches. One warms up."
    yield question("A model that guesses copies which share?", 1 / lab.SYMBOLS, f"1 of {lab.SYMBOLS}.")
    yield table("held-out symbols", rows, warmup="warm-up", right="copied [%] :3")
    yield "Post-LN has large gradients near its output at the start. Pre-LN at this rate, or post-LN at a modest one, learns without warm-up (C221)."
    yield at_most("breaks", "no warm-up: share copied", lab.HALF_WAY, bare)
    yield at_least("saves", "with warm-up: share copied", lab.HALF_WAY, warm)
    yield Try("tfx experiment warmup")
    yield Source("Liu et al.", 2020, "On the Variance of the Adaptive Learning Rate and Beyond")
    yield Source("Xiong et al.", 2020, "On Layer Normalization in the Transformer Architecture")


@lesson.step("Why it falls: noise keeps the model moving")
def why_it_falls(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    kinds: dict[str, Callable[[int], float]] = {
        "constant": lambda step: RATE,
        "cosine to 0": partial(warmup_cosine, peak=RATE, warmup=0, total=NOISY),
        "inverse root": partial(warmup_inverse_square_root, peak=RATE, warmup=1),
    }
    rest = {kind: at_rest(rate, NOISY, rng) for kind, rate in kinds.items()}
    yield "Each batch pulls a little elsewhere. At a constant rate a model never settles: it hovers about the minimum. In the simplest case, one number x whose best value is 0:"
    yield formula("x <- x - rate * (x + noise)", "noise of variance 1, a new one in each step")
    yield formula("mean of x^2 = rate / (2 - rate)", "at rest: v = (1 - rate)^2 v + rate^2")
    yield question(f"Rate {RATE:g}: where does the mean of x^2 come to rest?", stationary(RATE), f"{RATE:g} / {2 - RATE:g}.")  # fmt: skip
    yield table(f"from x = 1, after {NOISY} steps", [{"kind": k, "left": v} for k, v in rest.items()], kind="rate", left="mean of x^2 :3")  # fmt: skip
    yield "A rate that falls to 0 leaves ever less."
    yield within("hovers", "constant rate: mean of x^2 over the law", 1.0, rest["constant"] / stationary(RATE), 0.2)
    yield at_rest
    yield at_most("settles", "cosine: what is left, over that of the constant rate", 0.4, rest["cosine to 0"] / rest["constant"])  # fmt: skip


@lesson.step("What is often said")
def too_strong(run: Run) -> Iterator[Shown]:
    w = run.warmup
    ratio = inverse_square_root(1, w) / warmup_inverse_square_root(1, w**-0.5, w)
    yield Said("The first schedule was lr0 / sqrt(max(step, warmup)).", "false", f"That is T5's, flat until the warm-up ends: its first rate is {ratio:,.0f} times as high. From the end of the warm-up on the two agree.", "C219")  # fmt: skip
    yield Said("Warm-up avoids large updates from large gradients.", "true with conditions", "It makes the rate small, and Adam's first step is the rate.", "C222")  # fmt: skip
    yield Said("A good schedule finds the optimum.", "too strong", "It helps convergence, without a guarantee.")  # fmt: skip
    yield "For large language models cosine behind a short warm-up was the usual choice; since 2024 WSD has spread."
    yield within("ratio", "T5's first rate over the original's, in steps of warm-up", 1.0, ratio / w, 1e-9)
    yield Source("Raffel et al.", 2020, "Exploring the Limits of Transfer Learning", "section 3.1.2")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "The rate rises linearly and then falls. The original rule: d_model^-0.5 * min(t^-0.5, t * warmup^-1.5), with its peak at t = warmup, 1 / sqrt(d_model * warmup). Others fall linearly or along a cosine, or hold the peak and fall at the end."
    yield "Warm-up protects the first steps, when Adam's averages rest on few batches and a post-LN model has large gradients near its output. Decay lets the noise of the batches average out. Both help convergence; they guarantee no optimum."
    yield Try("tfx quiz lr-schedule")
