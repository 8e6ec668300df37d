"""Stability: a gradient that is cut, a poisoned batch, what Adam remembers, warm-up, and scores that grow."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, formula, matrix, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training import clipping, warmup
from tfx.lab.training.clipping import BY_NORM, BY_VALUE, NONE, Followed, cosine
from tfx.lab.training.warmup import POST, PRE, SYMBOLS, Numbers
from tfx.measure.sharpness import entropy_share
from tfx.ops.attention.soft_cap import soft_cap_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.norms.rms_norm import rms_norm_forward
from tfx.optim import Adam, clip_by_norm, clip_by_value, global_norm

RUNS = (("SGD", NONE), ("SGD", BY_NORM), ("SGD", BY_VALUE), ("Adam", NONE), ("Adam", BY_NORM))
#: How many times too large one gradient is, and how many steps later is looked; Adam's b2.
SPIKE, LATER, B2 = 1000.0, (1, 100, 200), 0.98
#: Steps and warm-up of the deep model; width, tokens and cap of the scores.
STEPS, WARM, WIDTH, TOKENS, CAP = 40, 20, 32, 16, 10.0


@dataclass(frozen=True)
class Settings:
    limit: float = setting(1.0, 0.1, 2.0, "limit of clipping")
    growth: int = setting(8, 2, 20, "how many times the maps of queries and keys have grown")


class Run:
    def __init__(self, request: Request) -> None:
        self.limit, self.growth, self.seed = request.settings.limit, request.settings.growth, request.seed

    @cached_property
    def poisoned(self) -> dict[tuple[str, str], Followed]:
        settings = clipping.Settings(after=60, limit=self.limit)
        with blas_threads(1):
            return {kind: clipping.followed(settings, *kind, True, (self.seed, 0)) for kind in RUNS}

    @cached_property
    def copied(self) -> dict[tuple[str, int], float]:
        """Share of held-out symbols that are right."""
        settings, kinds = replace(warmup.Settings(), steps=STEPS), ((POST, 0), (POST, WARM), (PRE, 0))
        with blas_threads(1):
            return {kind: warmup.trained(settings, kind[0], settings.high, kind[1], (self.seed, 0))[0] for kind in kinds}  # fmt: skip


lesson = Lesson(Run, Settings)


@lesson.step("What goes wrong, and what prevents it")
def what_goes_wrong(run: Run) -> Iterator[Shown]:
    yield "A run is unstable when its loss jumps up or never comes down, and not because of too few data. Five causes are met again and again:"
    yield table("cause and remedy", [{"cause": cause, "cure": cure} for cause, cure in CAUSES], cause="cause", cure="what helps")  # fmt: skip
    yield Said("Small batches make training unstable by over-fitting.", "false", "Over-fitting is another fault: training goes well and new data do not. Small batches make noisy gradients.")  # fmt: skip
    yield "This topic measures the first three; half precision is a topic of its own. A run that is lost goes back to the last saved state, and the bad batch is skipped."
    yield See("norm-placement", "interview")


CAUSES = (("a bad batch", "clipping"), ("large first steps, post-LN", "warm-up, pre-LN"), ("attention scores grow", "norm of queries and keys, soft cap"), ("first weights too large", "scaled first weights"), ("float16 overflows", "loss scaling, bfloat16"))  # fmt: skip


@lesson.step("Clipping by hand: by norm, and by value")
def by_hand_(run: Run) -> Iterator[Shown]:
    g = np.array([3.0, 4.0])
    cut, each = g.copy(), g.copy()
    norm = clip_by_norm(cut, run.limit)
    clip_by_value(each, run.limit)
    yield f"A gradient of two numbers, (3, 4), has the norm sqrt(9 + 16) = {norm:g}."
    yield formula("by norm    gradient * min(1, limit / norm)        norm: over all parameters")
    yield formula("by value   each entry cut to -limit ... limit")
    yield question(f"Clipped by norm to {run.limit:g}: the first entry?", cut[0], f"3 * {run.limit:g} / 5.")
    yield matrix(f"limit {run.limit:g}", np.stack([g, cut, each]), "how, entry", ("as it was", "by norm", "by value"))
    yield f"By value the direction turns (cosine {cosine(g, each):.3f}), and the norm is {global_norm(each):.2f}."
    yield agree("norm", "norm when clipped by norm", global_norm(cut), run.limit)
    yield agree("direction", "its cosine with the gradient", cosine(g, cut), 1.0)
    yield at_most("turns", "cosine when clipped by value", 0.995, cosine(g, each))
    yield Source("Pascanu et al.", 2013, "On the difficulty of training recurrent neural networks", "algorithm 1")


@lesson.step("One poisoned batch")
def poisoned(run: Run) -> Iterator[Shown]:
    found = run.poisoned
    rows = [{"who": who, "how": how, "before": f.before, "at_once": f.at_once, "later": f.later} for (who, how), f in found.items()]  # fmt: skip
    bare, saved, adam = found["SGD", NONE], found["SGD", BY_NORM], found["Adam", NONE]
    yield f"A small network learns well for {clipping.BEFORE} steps. Then comes one batch with inputs {clipping.Settings().factor:g} times too large and shuffled labels."
    yield table("loss on new points, in nats", rows, who="optimizer", how="clipping", before="before :3", at_once="one step later :3", later="60 later :3")  # fmt: skip
    yield f"Its gradient has a norm of {bare.norm:,.0f}. Plain SGD moves by rate times gradient: from {bare.before:.2f} nats to {bare.at_once:,.0f}. With the norm clipped the loss is {saved.at_once:.2f}."
    yield f"Adam's step is hardly longer than its rate, whatever the gradient: {adam.at_once:.2f}. Its harm comes later."
    yield at_least("explodes", "SGD without clipping: loss more at once, nats", 10.0, bare.at_once - bare.before)
    yield at_most("saved", "... clipped by norm", 0.3, saved.at_once - saved.before)
    yield at_most("bounded", "Adam without clipping", 0.3, adam.at_once - adam.before)
    yield Try("tfx experiment clipping")


@lesson.step("What Adam remembers of it")
def remembers(run: Run) -> Iterator[Shown]:
    steps = after_spike()
    moved = {how: run.poisoned["Adam", how].moved for how in (NONE, BY_NORM)}
    share, law = B2 ** LATER[1], 1 / np.sqrt(1 + (1 - B2) * SPIKE**2 * B2 ** LATER[1])
    rows = [{"later": later, "step": step} for later, step in zip(LATER, steps, strict=True)]
    yield f"Adam divides by the root of v, an average of squared gradients that forgets {1 - B2:.0%} a step. A gradient of {SPIKE:g} among many of 1 puts {1 - B2:.2f} * {SPIKE:g}^2 = {(1 - B2) * SPIKE**2:,.0f} into v."
    yield formula("v = b2 v + (1 - b2) gradient^2        b2: 0.98 in 2017")
    yield question(f"{LATER[1]} steps later {share:.3f} of it is left. How long is a step, if it was 1 before?", law, f"1 / sqrt(1 + {share:.3f} * {(1 - B2) * SPIKE**2:,.0f}).")  # fmt: skip
    yield table("Adam's step, measured on one number", rows, later="steps later", step="length :3")  # fmt: skip
    yield f"The network of the last step, 50 updates after its bad batch: without clipping it moves {moved[NONE] / moved[BY_NORM]:.0%} as far as with it. So clip before the averages."
    yield within("law", "the step after so many, and the formula", law, steps[1], 0.1 * law)
    yield Adam
    yield at_most("crawls", "way without clipping, of the way with", 0.5, moved[NONE] / moved[BY_NORM])


def after_spike() -> list[float]:
    """How far Adam moves one number, of the rate, LATER steps after a gradient of SPIKE among many of 1."""
    model = Numbers(np.zeros(1))
    optimizer, moved = Adam(model, beta2=B2), []
    for t in range(400 + LATER[-1] + 1):
        before = float(model.numbers.value[0])
        optimizer.parameters.grad[...] = SPIKE if t == 400 else 1.0
        optimizer.step(1.0)
        moved.append(before - float(model.numbers.value[0]))
    return [moved[400 + later] for later in LATER]


@lesson.step("Large first steps: post-LN without a warm-up")
def first_steps(run: Run) -> Iterator[Shown]:
    rows = [{"place": place, "warm": warm, "right": 100 * right} for (place, warm), right in run.copied.items()]
    first = float(warmup.first_step(np.array([1e-6]))[0])
    yield "Adam's first step moves each number by the rate, also for a gradient of one millionth. So at the start the rate alone says how far a model is thrown."
    yield question(f"Rate 0.04 after {WARM} steps in a straight line. How long is the first?", 0.04 / WARM, f"0.04 / {WARM}.")  # fmt: skip
    yield table(f"models of {warmup.Settings().layers} blocks learn to copy {SYMBOLS} symbols, {STEPS} steps at rate 0.04", rows, place="norm", warm="warm-up", right="copied [%] :3")  # fmt: skip
    yield f"A guess copies {1 / SYMBOLS:.0%}. At a modest rate post-LN learns without a warm-up."
    yield Said("Warm-up avoids large updates from large gradients.", "true with conditions", "It makes the rate small. Adam's first step does not grow with the gradient.", "C222")  # fmt: skip
    yield within("sign", "first step at a gradient of 1e-6, in rates", 1.0, first, 0.01)
    yield at_most("breaks", "post-LN, no warm-up: copied", 0.5, run.copied[POST, 0])
    yield at_least("mended", "post-LN with warm-up: copied", 0.6, run.copied[POST, WARM])
    yield Try("tfx experiment warmup")


@lesson.step("Attention scores that grow")
def scores_grow(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    q, k = rng.standard_normal((2, TOKENS, WIDTH))
    rows: list[dict[str, Any]] = []
    for times in (1, run.growth):  # as it was, then grown
        raw = times * times * q @ k.T / WIDTH**0.5
        unit = rms_norm_forward(times * q)[0] @ rms_norm_forward(times * k)[0].T / WIDTH**0.5
        for how, s in (("none", raw), ("q, k normed", unit), ("soft cap", soft_cap_forward(raw, CAP)[0])):
            rows.append({"times": times, "how": how, "top": float(np.abs(s).max()), "even": float(entropy_share(softmax_forward(s)[0]).mean())})  # fmt: skip
    rows, grown = [rows[0], *rows[3:]], {row["how"]: row for row in rows[3:]}
    yield "A score is a product of two maps of x. When both grow, scores grow with the square, softmax picks one key, and its gradient dies."
    yield question(f"W_Q and W_K grow {run.growth} times. How many times the scores?", run.growth**2, f"{run.growth} * {run.growth}.", 0)  # fmt: skip
    yield table(f"{TOKENS} random queries and keys of width {WIDTH}; soft cap {CAP:g}", rows, times="maps times", how="remedy", top="largest score :3", even="evenness of P :2")  # fmt: skip
    yield "Evenness: 1 for equal weights, 0 for a single one. QK-norm divides each query and key by its size, so that a learned factor alone bounds the scores. A soft cap is cap * tanh(score / cap), as in Gemma 2."
    yield agree("square", "growth of the largest score", grown["none"]["top"] / rows[0]["top"], run.growth**2)
    yield at_most("normed", "largest score with QK-norm", WIDTH**0.5 + 1e-9, grown["q, k normed"]["top"])
    yield at_most("capped", "largest score with the cap", CAP, grown["soft cap"]["top"])
    yield Source("Henry et al.", 2020, "Query-Key Normalization for Transformers")


@lesson.step("What is often said, and what came after")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("Clipping by norm or by value tames exploding gradients.", "true", "Both bound the step; only by norm it keeps its direction.", "C234")  # fmt: skip
    yield Said("With Adam clipping is not needed.", "too strong", "Its step is bounded, its average of squares is not.")
    yield Said("Warm-up is needed.", "true with conditions", "For post-LN at a high rate. Pre-LN, or a modest rate, learned without.", "C221")  # fmt: skip
    yield "Many published large models clip at a norm of 1."
    yield "Why post-LN breaks is told in two ways: large gradients near its output at the start (Xiong); branches that amplify small changes of the weights (Liu)."
    yield Source("Xiong et al.", 2020, "On Layer Normalization in the Transformer Architecture")
    yield Source("Liu et al.", 2020, "Understanding the Difficulty of Training Transformers")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Deep Transformers become unstable by a bad batch, by large first steps in post-LN, by attention scores that grow, by first weights of the wrong size, and by float16 that overflows. What helps: clipping, warm-up or pre-LN, QK-norm or a soft cap, scaled first weights, loss scaling or bfloat16. Over-fitting is another fault."
    yield "Clip the norm of the whole gradient, usually at 1: it gets shorter and keeps its direction. By value it turns. Adam's step is bounded, but one huge gradient stays in its average of squares and makes it crawl for hundreds of steps, so clip before."
    yield Try("tfx quiz training-stability")
