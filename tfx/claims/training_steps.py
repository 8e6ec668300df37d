"""Claims about the steps of training: learning rates, batches, smoothing, clipping."""

from __future__ import annotations

import functools
import math

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.lab.training import batch_size, label_smoothing, warmup
from tfx.lab.training.clipping import cosine
from tfx.lab.training.warmup import HALF_WAY, HIGH, MODEST, POST, PRE, first_step
from tfx.measure.estimates import distance_in_se
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, smallest, within
from tfx.optim import clip_by_norm, clip_by_value
from tfx.schedule import inverse_square_root, noam, warmup_cosine, warmup_linear

SECTION = "Training and optimisation"

VASWANI = "Vaswani et al. 2017"
#: Width and warm-up of the first Transformer.
WIDTH, WARMUP = 512, 4000


@claim(
    "C219", "The schedule of the first Transformer is lr0 / sqrt(max(step, warm-up)).", where="D0:1286 D0:1287",
    verdict="does not hold",
    why="that one is flat until the warm-up ends, as in T5; the first Transformer's rises in a straight line there. "
    "From then on the two are equal.",
    paper="Raffel et al. 2020, section 3.1.2",
)  # fmt: skip
def flat_schedule(trial: Trial) -> Evidence:
    def ratio(step: int) -> float:
        return inverse_square_root(step, WARMUP, WIDTH**-0.5) / noam(step, WIDTH, WARMUP)

    yield contradicts(within("first", "its first step, in units of the original's", WARMUP, ratio(1), 1e-6))
    yield agree("later", "the same from the end of the warm-up on", [ratio(s) for s in (4000, 10_000, 100_000)], 1.0)


@claim(
    "C220", "The first Transformer's rate is d^-0.5 min(t^-0.5, t warmup^-1.5).", where="D3:221", verdict="holds",
    why="it rises in a straight line, peaks at t = warm-up and then falls as 1 / sqrt(t).",
    paper=VASWANI + ", section 5.3, equation 3",
)  # fmt: skip
def first_schedule(trial: Trial) -> Evidence:
    rates = np.array([noam(step, WIDTH, WARMUP) for step in range(1, 3 * WARMUP)])
    yield supports(within("peak", "its largest rate", 1 / math.sqrt(WIDTH * WARMUP), rates.max(), 1e-12))
    yield supports(exactly("place", "the step of the largest rate", WARMUP, int(rates.argmax()) + 1))
    law = [WIDTH**-0.5 * min(t**-0.5, t * WARMUP**-1.5) for t in range(1, 3 * WARMUP)]
    yield supports(agree("law", "the library's schedule is that formula", rates, law))


@functools.lru_cache(maxsize=16)
def copied(trial: Trial, place: str, level: str, warmed: bool, layers: int = 4, runs: int = 2) -> float:
    """The share of symbols that short runs of the experiment `warmup` copy: the mean of a few."""
    settings = warmup.Settings(layers=layers, steps=50, warmup=25)
    rate = settings.high if level == HIGH else settings.modest
    steps = settings.warmup if warmed else 0
    return float(np.mean([warmup.trained(settings, place, rate, steps, (trial.seed, n))[0] for n in range(runs)]))


@claim(
    "C221", "Warm-up prevents instability early in training.", where="D0:1275 D0:1277 D3:215 D3:217",
    verdict="holds when",
    why="the model is post-LN and the rate high: then it decides. Pre-LN at that rate, or post-LN at a modest one, "
    "learns without.",
    experiment="warmup", paper="Xiong et al. 2020",
)  # fmt: skip
def warm_up(trial: Trial) -> Evidence:
    warm = copied(trial, POST, HIGH, True)
    yield supports(at_least("with", "post-LN, high rate, with warm-up: share of symbols copied", HALF_WAY, warm))
    bare = copied(trial, POST, HIGH, False)
    yield supports(at_most("without", "... and without", HALF_WAY, bare))
    pre = copied(trial, PRE, HIGH, False, runs=1)
    yield contradicts(at_least("pre", "pre-LN at that rate, without", 0.9, pre))
    modest = copied(trial, POST, MODEST, False, runs=1)
    yield contradicts(at_least("modest", "post-LN at a modest rate, without", 0.9, modest))


@claim(
    "C222", "Warm-up avoids large updates from large gradients.", where="D0:1278", verdict="holds when",
    why="it is the rate that it makes small. Adam's first step is the rate in every number, whatever the gradient, so "
    "a large gradient never made a large update.",
    experiment="warmup", paper="Kingma and Ba 2015, section 2.1",
)  # fmt: skip
def large_updates(trial: Trial) -> Evidence:
    gradient = 1 + abs(trial.generator().standard_normal(32))
    warm = first_step(gradient, warmup_linear(1, 1.0, 50, 100)) * warmup_linear(1, 1.0, 50, 100)
    yield supports(
        within("short", "first step with 50 steps of warm-up, in units of the peak", 1 / 50, warm.max(), 1e-9)
    )
    moved = [first_step(scale * gradient).max() for scale in (1e-6, 1.0, 1e6)]
    yield contradicts(
        agree("any", "without: the first step is the rate for gradients of 1e-6, 1, 1e6", moved, 1.0, 2e-3)
    )


@claim(
    "C224", "Cosine annealing lowers the rate smoothly.", where="D0:1281 D0:1283", verdict="holds",
    why="from peak to floor along half a cosine; half way it is at their mean, and no step is larger than pi / 2 of "
    "an even share.",
    paper="Loshchilov and Hutter 2017, SGDR, equation 5",
)  # fmt: skip
def cosine_annealing(trial: Trial) -> Evidence:
    total, peak, floor = 1000, 1.0, 0.1
    rates = np.array([warmup_cosine(step, peak, 0, total, floor) for step in range(1, total + 1)])
    yield supports(within("middle", "half way", (peak + floor) / 2, rates[total // 2 - 1], 1e-12))
    yield supports(
        at_most("even", "its largest fall, in even shares", math.pi / 2, largest(-np.diff(rates)) * total / 0.9)
    )
    yield supports(at_least("falls", "its smallest fall", 0.0, smallest(-np.diff(rates))))


not_measurable(
    "C225", "Thresholds for clipping lie between 0.5 and 5.", where="D0:1332", section=SECTION,
    why="what people choose is a matter of practice; 1 is the common choice.",
)  # fmt: skip
not_measurable(
    "C226", "Dropout is 0.1 in the first Transformer.", where="D0:3205", section=SECTION, paper=VASWANI + ", table 3",
    why="what a paper used is read and not measured: 0.1 in the base model, 0.3 in the big English-German one.",
)  # fmt: skip
not_measurable(
    "C227", "Weight decay leaves out biases and norms.", where="D0:1318", section=SECTION,
    why="a matter of practice. Here AdamW decays matrices alone unless told otherwise.",
)  # fmt: skip


@functools.lru_cache(maxsize=8)
def noise(trial: Trial, batch: int) -> dict[str, float]:
    return batch_size.gradient_noise(batch, 60, trial.generator(1), trial.generator(2, batch))


@claim(
    "C229", "A large batch keeps the signal of the gradient strong.", where="D1:659", verdict="does not hold",
    why="the mean gradient is the same at every size. Its noise falls, as 1 / sqrt(size).",
    experiment="batch-size", paper="McCandlish et al. 2018",
)  # fmt: skip
def signal_of_a_batch(trial: Trial) -> Evidence:
    small, large = noise(trial, 16), noise(trial, 1024)
    gap = distance_in_se(large["signal"], small["signal"], math.hypot(small["signal_se"], large["signal_se"]))
    yield contradicts(at_most("signal", "mean gradient at 1024 against 16, in standard errors of both", 5.0, gap))
    yield within("noise", "noise at 16 in units of that at 1024", 8.0, small["noise"] / large["noise"], 1.5)


@claim(
    "C230", "Large batches stabilise training.", where="D0:1376", verdict="holds when",
    why="noise is what disturbs: it falls as 1 / sqrt(size). Once it is small, still larger batches change next to "
    "nothing, and they do not make a rate that is too high bearable.",
    experiment="batch-size", paper="McCandlish et al. 2018",
)  # fmt: skip
def large_batches(trial: Trial) -> Evidence:
    small, large = noise(trial, 16), noise(trial, 1024)
    law = distance_in_se(large["noise"], large["noise_law"], large["noise_se"])
    yield supports(at_most("law", "noise at 1024 from sigma / sqrt(1024), in standard errors", 5.0, law))
    yield supports(at_least("less", "noise at 16 in units of that at 1024", 5.0, small["noise"] / large["noise"]))
    settings = batch_size.Settings(limit=200)
    some, more = (batch_size.steps_to(settings, batch, 0.05, (trial.seed, 0)) for batch in (64, 512))
    yield contradicts(at_least("little", "steps with batch 512 in units of those with 64, same rate", 0.7, more / some))
    thrown = batch_size.steps_to(settings, 1024, 12.8, (trial.seed, 0))
    yield contradicts(exactly("thrown", "steps to the loss with batch 1024 and rate 12.8; 201 is never", 201.0, thrown))


@claim(
    "C231", "Gradient accumulation gives the gradient of a larger batch.", where="D0:1404 D0:1405",
    verdict="holds when",
    why="parts are weighted by what they count (rows, or tokens), the sum is divided, and no layer uses statistics of "
    "the batch.",
    experiment="accumulation", paper="Ott et al. 2018",
)  # fmt: skip
def accumulation(trial: Trial) -> Evidence:
    error = {row["way"]: row["largest"] for row in trial.rows("accumulation")}
    for id, way in (("equal", "equal"), ("rows", "unequal, weighted"), ("tokens", "padded, by tokens")):
        yield supports(at_most(id, f"{way}: largest error, as a share", 1e-12, error[way]))
    wrong = ("equal, not divided", "unequal, plain mean", "padded, plain mean", "equal, batch norm")
    for id, way in zip(("undivided", "plain", "plain-tokens", "batch-norm"), wrong, strict=True):
        yield contradicts(at_least(id, f"{way}: largest error, as a share", 1e-3, error[way]))


@claim(
    "C232", "Label smoothing curbs overconfidence by giving the other classes a little of the target.",
    where="D0:1322 D1:555", verdict="holds",
    why="the best lead of the right logit is log((1 - s + s/K) / (s/K)), 4.5 nats for ten classes and 0.1, in place of "
    "no limit.",
    experiment="label-smoothing", paper="Szegedy et al. 2016, section 7",
)  # fmt: skip
def smoothing(trial: Trial) -> Evidence:
    best = label_smoothing.best_lead(0.1, 10)
    yield supports(within("lead", "best lead for ten classes and 0.1, in nats", math.log(91), best, 1e-6))
    settings = label_smoothing.Settings()
    sure, less = (
        np.mean([label_smoothing.trained(settings, share, (trial.seed, n)) for n in range(2)], axis=0)
        for share in (0.0, 0.2)
    )
    yield supports(at_least("less-sure", "what 0.2 takes off the confidence on noisy labels", 0.05, sure[0] - less[0]))
    yield supports(at_least("over", "confidence above accuracy without it", 0.1, sure[0] - sure[1]))


@claim(
    "C234", "Clipping by norm or by value tames exploding gradients.", where="D0:1330 D0:1610", verdict="holds",
    why="both bound the step. By norm the direction stays, by value it turns.",
    experiment="clipping", paper="Pascanu et al. 2013, algorithm 1",
)  # fmt: skip
def clipping(trial: Trial) -> Evidence:
    raw = np.array([10.0, 1.0]) * 1e6
    by_norm, by_value = raw.copy(), raw.copy()
    clip_by_norm(by_norm, 1.0), clip_by_value(by_value, 1e6)
    yield supports(within("norm", "norm of a gradient that was clipped to 1", 1.0, math.hypot(*by_norm), 1e-12))
    yield supports(
        exactly("value", "its largest entry, clipped by value, in units of the limit", 1.0, by_value.max() / 1e6)
    )
    yield within("direction", "cosine with (10, 1) when clipped by norm", 1.0, cosine(raw, by_norm), 1e-12)
    yield within("turned", "... by value, to (1, 1)", 11 / math.sqrt(202), cosine(raw, by_value), 1e-12)
