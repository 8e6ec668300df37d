"""Scaling laws: a power of size, the split of a budget, what data limits, and scores that make smooth gains look sudden."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, at_least, at_most, exactly, formula, near, question, setting,
    table, within,
)  # fmt: skip
from tfx.lab.scale.chinchilla import BESIROGLU, HOFFMANN, Law, optimum, training_operations
from tfx.lab.scale.emergence import chance_of_a_token
from tfx.lab.scale.kaplan import KAPLAN_N, kaplan_loss
from tfx.lab.scale.power_law import RECORDED, RECORDED_FLOOR
from tfx.measure.counting import feed_forward, projections, total_matmul_flops
from tfx.measure.emergence import expected_exact_match
from tfx.measure.estimates import mean_with_error
from tfx.measure.power_laws import PowerLaw, fit_power_law

#: So many tokens that data is no limit; a small and a large budget; answers that are drawn.
ENDLESS, SMALL, LARGE, ANSWERS = 1e40, 1e19, 5.88e23, 4000


@dataclass(frozen=True)
class Settings:
    budget: float = setting(1e22, 1e18, 1e26, "operations of training, to be split")
    length: int = setting(20, 5, 50, "tokens of an answer that has to be right as a whole")


class Run:
    """sizes, above: what the small models have, and lose above the floor."""

    def __init__(self, request: Request) -> None:
        self.budget, self.length = request.settings.budget, request.settings.length
        self.sizes, self.above = ([float(x) for x in column] for column in zip(*RECORDED, strict=True))

    @cached_property
    def law(self) -> PowerLaw:
        return fit_power_law(self.sizes, self.above)


lesson = Lesson(Run, Settings)


@lesson.step("Loss falls as a power of size")
def power(run: Run) -> Iterator[Shown]:
    factor = kaplan_loss(1e10, ENDLESS) / kaplan_loss(1e9, ENDLESS)
    yield "A large model costs too much to try twice. So small ones are trained first, and a law is fitted that foretells the larger. Where neither data nor training is short:"
    yield formula("loss = floor + a * size^-alpha")
    yield "size: the parameters; a, alpha: constants of the fit. floor: the entropy of the text, which no size gets below. Above it the law is a straight line, where both axes are logarithms."
    yield question(f"Kaplan et al. fitted alpha = {KAPLAN_N[1]}, with a floor of 0. Ten times the size: the loss times?", factor, f"10^-{KAPLAN_N[1]}.", 0.01)  # fmt: skip
    yield "Data and computation have such laws too, each where it alone is what is short. They are found by training, over a limited range; no theory tells in full why they hold, or why what is learnt serves on new text."
    yield within("ten", "loss at ten times the size, of a straight line's", 10 ** -KAPLAN_N[1], factor, 1e-9)
    yield Source("Kaplan et al.", 2020, "Scaling Laws for Neural Language Models")


@lesson.step("Four small models, one line")
def line(run: Run) -> Iterator[Shown]:
    two = -math.log(run.above[-1] / run.above[0]) / math.log(run.sizes[-1] / run.sizes[0])
    whole = fit_power_law(run.sizes, [RECORDED_FLOOR + x for x in run.above])
    first = fit_power_law(run.sizes[:3], run.above[:3])
    told = first.coefficient * run.sizes[-1] ** first.exponent
    yield f"These decoders learnt texts of known entropy, {RECORDED_FLOOR} nats: that is the floor."
    yield table("trained models", [{"size": n, "above": x} for n, x in zip(run.sizes, run.above, strict=True)], size="parameters :6", above="above floor [nats] :3")  # fmt: skip
    yield question("From the smallest to the largest: alpha?", two, f"log({run.above[0]:g} / {run.above[-1]:g}) over log({run.sizes[-1]:g} / {run.sizes[0]:g}).")  # fmt: skip
    yield f"A line through all of them gives {-run.law.exponent:.2f}. With the floor left in it is {-whole.exponent:.2f}: a forgotten floor makes the law look flat. Beyond its points it is a guess: the first three foretell {told:.3f} for the fourth, which has {run.above[-1]:g}."
    yield within("slope", "alpha of the fit, and of the two ends", two, -run.law.exponent, 0.03)
    yield at_most("flat", "alpha with the floor left in", 0.1, -whole.exponent)
    yield at_least("bends", "foretold for the fourth, over what it has", 1.05, told / run.above[-1])
    yield Try("tfx experiment power-law")


@lesson.step("What training costs: 6 * size * tokens")
def cost(run: Run) -> Iterator[Shown]:
    wide, n = 512, 8
    each = total_matmul_flops((*projections(n, wide), *feed_forward(n, wide, 4 * wide))) / n / (12 * wide * wide)
    chinchilla = training_operations(70e9, 1.4e12)
    yield "A weight meets each token once: one product, one sum, so 2 operations forward. Backward takes about twice that, for the gradients of inputs and of weights."
    yield formula("work = 6 * size * tokens")
    yield question("70 billion parameters, 1.4 trillion tokens (Chinchilla). Operations, in units of 10^23?", chinchilla / 1e23, "6 * 7e10 * 1.4e12.", 0.01)  # fmt: skip
    yield "Scores and weighted sums of attention are left out: little, while texts are short beside the width."
    yield "This counts training alone. Whoever runs a model much takes a smaller one, trained longer."
    yield training_operations
    yield exactly("two", "operations of a block for a token and a weight, counted", 2.0, each)
    yield exactly("six", "operations of 1,000 weights and 50 tokens", 300_000, training_operations(1000, 50))


@lesson.step("How to split a budget")
def split(run: Run) -> Iterator[Shown]:
    best, sizes = optimum(run.budget, BESIROGLU), np.geomspace(1e6, 1e14, 80_001)
    losses = [BESIROGLU.loss(float(n), run.budget / 6 / float(n)) for n in sizes]
    found = float(sizes[int(np.argmin(losses))])
    rows = [row(run, f"{share:g} of the best size", share * best.n_parameters) for share in (0.1, 1, 10)]
    yield "The work is given, so a larger model sees fewer tokens. Hoffmann et al. fitted both limits at once:"
    yield formula("loss = floor + a / size^alpha + b / tokens^beta")
    yield "Put tokens = work / (6 * size), and set the slope to 0:"
    yield formula("best size goes with work^(beta / (alpha + beta))")
    yield table(f"splits of a budget of {run.budget:.3g}, by the fit of 2024", rows, what="model", size="parameters :3", tokens="tokens :3", loss="loss [nats] :4")  # fmt: skip
    power = BESIROGLU.beta / (BESIROGLU.alpha + BESIROGLU.beta)
    yield question(f"alpha {BESIROGLU.alpha}, beta {BESIROGLU.beta}: which power of the work is the best size?", power, "beta / (alpha + beta): near a half, so tokens grow about as fast as size.")  # fmt: skip
    yield within("optimum", "best of many sizes tried, of the formula's", 1.0, found / best.n_parameters, 0.01)
    yield at_least("worse", "nats that a tenfold or a tenth of it loses", 0.01, min(rows[0]["loss"], rows[2]["loss"]) - rows[1]["loss"])  # fmt: skip


def row(run: Run, what: str, size: float) -> dict[str, Any]:
    tokens = run.budget / 6 / size
    return {"what": what, "size": size, "tokens": tokens, "loss": BESIROGLU.loss(size, tokens)}


@lesson.step("Twenty tokens for each parameter?")
def ratio(run: Run) -> Iterator[Shown]:
    laws: dict[str, Law] = {"printed in 2022": HOFFMANN, "fitted again in 2024": BESIROGLU}
    found = {name: [optimum(work, law).tokens_per_parameter for work in (SMALL, LARGE)] for name, law in laws.items()}
    yield "Kaplan et al.: the best size grows as work^0.73. Hoffmann et al.: as work^0.5, like the tokens, about 20 a parameter. They blame the others' schedules, longer than the training; Pearce and Song 2024 the count without embeddings, in small models."
    yield question(f"20 tokens a parameter, work {LARGE:g}: which size, in billions?", math.sqrt(LARGE / 120) / 1e9, "size = sqrt(work / (6 * 20)).", 0.02)  # fmt: skip
    yield table("best tokens for each parameter, by work", [{"law": name, "small": low, "large": high} for name, (low, high) in found.items()], law="constants", small=f"at {SMALL:g} :2", large=f"at {LARGE:g} :2")  # fmt: skip
    yield Said("The best number of tokens grows in proportion to the parameters.", "true with conditions", "With alpha and beta alike. The rounded constants of 2022 leave 20; the new fit, to points read off the plots, stays near it.", "C290")  # fmt: skip
    yield within("twenty", "tokens a parameter, fit of 2024", 20, found["fitted again in 2024"][1], 3)
    yield at_least("drift", "growth of the ratio, printed constants", 2.5, found["printed in 2022"][1] / found["printed in 2022"][0])  # fmt: skip
    yield Source("Besiroglu et al.", 2024, "Chinchilla Scaling: A replication attempt")


@lesson.step("Larger models need fewer tokens, not none")
def data(run: Run) -> Iterator[Shown]:
    goal = BESIROGLU.loss(1e9, 2e10)
    left = goal - BESIROGLU.e - BESIROGLU.a / 1e10**BESIROGLU.alpha
    tokens = (BESIROGLU.b / left) ** (1 / BESIROGLU.beta)
    least = BESIROGLU.loss(ENDLESS, 1e9)
    yield f"A billion parameters reach {goal:.3f} nats with 20 billion tokens, by the fit of 2024. Ten billion get there with fewer."
    yield question(
        "How many billion tokens?", tokens / 1e9, "The loss less floor and size's part is b / tokens^beta; solve.", 0.04
    )
    yield f"That is what sample-efficient means: fewer tokens for the same loss. The work is {training_operations(1e10, tokens) / training_operations(1e9, 2e10):.1f} times as much."
    yield f"Size and data have a part each, and what data leaves stays: with a billion tokens no size gets below {least:.2f} nats, by this law. It was fitted to tokens read once; what is read many times gains less."
    yield at_most("fewer", "tokens of the larger model, of the smaller's", 0.5, tokens / 2e10)
    yield at_least("data", "nats above the floor that a billion tokens leave, in any size", 0.5, least - BESIROGLU.e)


@lesson.step("Sudden, by the score")
def emergence(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rows = [{"size": n, "token": 100 * (p := chance_of_a_token(n, 0.25)), "exact": 100 * float(expected_exact_match(p, run.length))} for n in (1e6, 1e8, 1e10, 1e12)]  # fmt: skip
    right, error = mean_with_error((rng.random((ANSWERS, run.length)) < 0.9).all(axis=1).astype(float))
    yield "An answer counts when each of its tokens is right. If errors are independent:"
    yield formula("answers right = p^n     p: chance of a token, n: tokens")
    yield question(f"p = 0.9, n = {run.length}: which share of answers?", 0.9**run.length, f"0.9^{run.length}.", 0.02)
    yield table("made up: p = exp(-loss), loss a power of size", rows, size="size :2", token="tokens [%] :3", exact="answers [%] :3")  # fmt: skip
    yield Said("New abilities appear suddenly with size.", "true with conditions", "Partly it is the score: all or nothing hides smooth gains until late. Real jumps are not ruled out.")  # fmt: skip
    yield near("drawn", "answers right with p = 0.9, drawn", 0.9**run.length, right, error)
    yield at_least("rise", "tokens right, gain of model 2, in %", 20, rows[1]["token"] - rows[0]["token"])
    yield at_most("late", "... gain of answers over it", 0.9, (rows[1]["exact"] - rows[0]["exact"]) / (rows[1]["token"] - rows[0]["token"]))  # fmt: skip
    yield Source("Schaeffer et al.", 2023, "Are Emergent Abilities [...] a Mirage?")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Loss falls as a power of parameters, data and work, each where the others are not short. Training costs about 6 * size * tokens; the best split grows both alike, near 20 tokens a parameter. Larger models are more sample-efficient, and need the data."
    yield "At scale a run is planned: data, work, and a stable recipe with warmup, clipping and checkpoints, since a spike of the loss can cost days. Abilities that seem sudden are partly an effect of exact match: p^n of a smooth p."
    yield See("training-stability", "what_goes_wrong")
    yield Try("tfx quiz scaling-laws")
