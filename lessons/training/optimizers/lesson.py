"""Optimizers: why one rate does not fit all numbers, Adam and its state, Lion, Adafactor, and weight decay."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.lab.training.optimizer_steps import (
    DONE, IN_THE_VALLEY, START, against_the_sign, best_in_the_valley, curvature, rebuilt_error, shrunk, valley_steps,
)  # fmt: skip
from tfx.lab.training.optimizers import ITEMSIZE, state_numbers
from tfx.lab.training.warmup import SCALES, first_step
from tfx.measure.verdicts import largest
from tfx.optim import SGD
from tfx.optim.adafactor import kept_shapes

LONG, BILLIONS, ROWS, COLUMNS = 400, 7, 512, 2048
DECAYED, NOISES = 400, (0.01, 1.0, 100.0)
RATE, DECAY = 0.005, 0.1


@dataclass(frozen=True)
class Settings:
    curved: int = setting(100, 50, 400, "how many times as curved the valley is one way as the other")


class Run:
    """valley: of each optimizer steps and rate, along the axes and turned by 45 degrees."""

    def __init__(self, request: Request) -> None:
        self.seed, self.curved = request.seed, request.settings.curved

    @cached_property
    def valley(self) -> dict[str, tuple[tuple[float, float], tuple[float, float]]]:
        along, turned = curvature(self.curved), curvature(self.curved, 45)
        return {name: (best_in_the_valley(make, along), best_in_the_valley(make, turned)) for name, make in IN_THE_VALLEY.items()}  # fmt: skip

    @cached_property
    def decayed(self) -> dict[bool, list[float]]:
        """apart -> share lost by decay, for each scale of gradients."""
        rng = lambda: np.random.default_rng((self.seed, 1))  # noqa: E731
        return {apart: [shrunk(apart, scale, rng) for scale in NOISES] for apart in (True, False)}


lesson = Lesson(Run, Settings)


@lesson.step("One rate for all numbers")
def one_rate(run: Run) -> Iterator[Shown]:
    k = run.curved
    below, above = (valley_steps(SGD, share * 2 / k, curvature(k), 10**4) for share in (0.98, 1.02))
    yield f"Gradient descent moves every number by the same rate times its gradient. In a valley that is {k} times as curved one way as the other that is a poor bargain:"
    yield formula(f"f = (x_1^2 + {k} x_2^2) / 2", f"gradient: x_1 and {k} x_2")
    yield formula(f"x_1 <- (1 - rate) x_1,   x_2 <- (1 - {k} rate) x_2", "one step")
    yield question("x_2 has to shrink in size. Below which rate does it?", 2 / k, f"|1 - {k} rate| < 1, so the rate is below 2 / {k}.")  # fmt: skip
    yield f"At such a rate x_1 keeps at least {1 - 2 / k:.3f} of itself in a step. The steep way sets the rate, the flat way pays. In a Transformer gradients differ in size as well: those of frequent and rare words, of maps of different kinds."
    yield exactly("above", f"steps down to {DONE:g} of f, rate 2% above the bound", "never", "never" if above == math.inf else str(above))  # fmt: skip
    yield at_most("below", "... and 2% below it", 10**4, below)
    yield SGD


@lesson.step("Adam: two averages for each number")
def adam(run: Run) -> Iterator[Shown]:
    moves = np.abs(first_step(np.array(SCALES)))
    yield "Adam divides each gradient by its usual size. It keeps two running averages, of the gradient and of its square."
    yield formula("mean <- 0.9 mean + 0.1 grad", "grad: the gradient of this number")
    yield formula("square <- 0.98 square + 0.02 grad^2", "0.98 in Vaswani et al.; 0.999 in Kingma and Ba")
    yield formula("step = rate * (mean / (1 - 0.9^t)) / (sqrt(square / (1 - 0.98^t)) + tiny)", "t: steps so far")
    yield "Both start at 0, too small; the divisors repair that (bias correction). First step: 0.1 grad / 0.1 = grad, and 0.02 grad^2 / 0.02 = grad^2. So it is rate * grad / |grad|."
    yield question("The first gradient of a number is 0.001, the rate is 0.01. How far does it move?", 0.01, "By the rate, whatever the size of the gradient.")  # fmt: skip
    yield within("first", f"first step over the rate, gradients from {SCALES[0]:g} to {SCALES[-1]:g}: the worst", 1.0, 1 + largest(abs(1 - moves)), 2e-3)  # fmt: skip
    yield Source("Kingma and Ba", 2015, "Adam: A Method for Stochastic Optimization", "algorithm 1")


@lesson.step("The valley, each at its best rate")
def the_valley(run: Run) -> Iterator[Shown]:
    found, k = run.valley, run.curved
    rows = [{"name": name, "along": a[0], "rate": a[1], "turned": t[0]} for name, (a, t) in found.items()]
    sgd, moment, adam_, _ = found.values()
    yield f"From x = ({START[0]:g}, {START[1]:g}) down to f = {DONE:g} of the start. Momentum adds up gradients: what keeps its direction gets longer steps."
    yield question(f"SGD at rate 1 / {k}: x_2 is 0 after one step. Steps until x_1 is a tenth?", math.ceil(math.log(0.1) / math.log(1 - 1 / k)), f"It keeps {1 - 1 / k:g} of itself in each.", 0.03)  # fmt: skip
    yield table(f"steps, {k} times as curved", rows, name="optimizer", along="along the axes :4", rate="rate :2", turned="turned by 45 degrees :4")  # fmt: skip
    yield "Each at its best rate. Adam scales number by number: a valley across the numbers is harder for it. Lion at one rate circles about the bottom."
    yield at_least("adam", "along the axes: steps of SGD over those of Adam", 1.2, sgd[0][0] / adam_[0][0])
    yield at_least("across", "Adam: steps when turned, over steps along the axes", 1.0, adam_[1][0] / adam_[0][0])
    yield at_most("momentum", "momentum: the two differ by, steps", 2, abs(moment[1][0] - moment[0][0]))
    yield Try("tfx experiment optimizers")


@lesson.step("Lion and Adafactor: less to remember")
def less_state(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    against, moves = against_the_sign(rng)
    one, none = (rebuilt_error(g) for g in (np.outer(rng.uniform(0.5, 2, 20), rng.uniform(0.5, 2, 30)), rng.standard_normal((20, 30))))  # fmt: skip
    kept = sum(math.prod(shape) for shape in kept_shapes((ROWS, COLUMNS)).values())
    yield "Lion keeps one average, and takes the sign of a mix with the new gradient:"
    yield formula("step = rate * sign(0.9 mean + 0.1 grad)", "then mean <- 0.99 mean + 0.01 grad")
    yield f"Not the sign of the gradient: under noise {against:.0%} of its moves go the other way."
    yield "Adafactor usually has no first average, and of squares row and column sums:"
    yield formula("square of a number = sum of its row * sum of its column / sum of all")
    yield question(f"A matrix of {ROWS} x {COLUMNS}: how many numbers does Adafactor keep?", kept, f"{ROWS} + {COLUMNS}; Adam keeps {2 * ROWS * COLUMNS:,}.", 0)  # fmt: skip
    yield f"Exact where the squares are such a product (rank one), off by {none:.0%} for unrelated gradients."
    yield at_least("against", "Lion: share of moves against the gradient's sign", 0.1, against)
    yield agree("length", "Lion: every move has the length of the rate", np.abs(moves), 0.01)
    yield at_most("rank-one", "Adafactor: error of rebuilt squares of rank one", 1e-12, one)
    yield at_least("unrelated", "... of unrelated ones", 0.1, none)
    yield Source("Shazeer and Stern", 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", "section 3")  # fmt: skip


@lesson.step("What they keep, in bytes")
def in_bytes(run: Run) -> Iterator[Shown]:
    names = ("SGD", "momentum", "Lion", "Adam", "AdamW")
    kept = {name: state_numbers(name) for name in names}
    share = sum(math.prod(shape) for shape in kept_shapes((ROWS, COLUMNS)).values()) / (ROWS * COLUMNS)
    rows = [{"name": name, "numbers": n, "gb": ITEMSIZE * n * BILLIONS} for name, n in (*kept.items(), (f"Adafactor, {ROWS} x {COLUMNS}", share))]  # fmt: skip
    yield f"Kept for {BILLIONS} billion weights, in float32. Weights and gradients come on top."
    yield question(f"Adam, {BILLIONS} billion weights, float32: gigabytes of state?", ITEMSIZE * 2 * BILLIONS, f"2 numbers of {ITEMSIZE} bytes each.", 0)  # fmt: skip
    yield table("state", rows, name="optimizer", numbers="numbers a weight :3", gb="GB :3")
    yield "Adam's state is twice the weights. It can be rounded to 8 bits in blocks, or shared out over machines."
    yield agree("state", "numbers kept: 0, 1, 1, 2, 2", [*kept.values()], np.array([0.0, 1, 1, 2, 2]), 0)
    yield Source("Dettmers et al.", 2022, "8-bit Optimizers via Block-wise Quantization")


@lesson.step("Weight decay, inside and apart")
def weight_decay(run: Run) -> Iterator[Shown]:
    apart, inside = run.decayed[True], run.decayed[False]
    rows = [{"scale": scale, "apart": 100 * a, "inside": 100 * i} for scale, a, i in zip(NOISES, apart, inside, strict=True)]  # fmt: skip
    yield "Decay pulls weights towards 0, so that none is large without need. In plain SGD a penalty in the loss does it. Adam divides the penalty, too, by the size of gradients; AdamW shrinks the weight by itself. Biases and gains of norms are usually left out."
    yield formula("penalty decay / 2 * W^2:   dW + decay * W", "the gradient that is followed")
    yield formula("AdamW:   W <- (1 - rate * decay) W - step", "step: of Adam, for L alone")
    yield question(f"AdamW, rate {RATE:g}, decay {DECAY:g}, {DECAYED} steps: share lost?", 1 - (1 - RATE * DECAY) ** DECAYED, f"1 - (1 - {RATE * DECAY:g})^{DECAYED}, by decay alone.", 0.03)  # fmt: skip
    yield table("weights of 1 under noise: percent lost by decay", rows, scale="gradients", apart="AdamW :3", inside="penalty in Adam :3")  # fmt: skip
    yield within("same", "AdamW: lost with the smallest over lost with the largest gradients", 1.0, apart[0] / apart[-1], 1e-3)  # fmt: skip
    yield at_least("differs", "penalty inside Adam: the same", 10, inside[0] / inside[-1])
    yield Source("Loshchilov and Hutter", 2019, "Decoupled Weight Decay Regularization")


@lesson.step("What is often said, and what came after")
def too_strong(run: Run) -> Iterator[Shown]:
    sgd, adam_ = run.valley["SGD"], run.valley["Adam"]
    yield Said("Lion moves by the sign of the gradient.", "false", "By the sign of a mix of average and gradient.", "C239")  # fmt: skip
    yield Said("Weight decay is an L2 penalty.", "true with conditions", "In plain SGD. In Adam the two differ.", "C237")  # fmt: skip
    yield Said("Adam is better than SGD.", "true with conditions", f"Where scales differ between numbers: here it gains {sgd[0][0] / adam_[0][0]:.1f} times along the axes. With even scales SGD keeps up.")  # fmt: skip
    yield "AdamW became the usual choice for large language models. Muon keeps momentum alone and makes its step about equally long in all directions of a matrix; tables and vectors are left to AdamW. A variant trained Kimi K2."
    yield at_least("gain", "steps of SGD over those of Adam", 1.2, sgd[0][0] / adam_[0][0])
    yield Source("Chen et al.", 2023, "Symbolic Discovery of Optimization Algorithms", "program 1")
    yield Source("Jordan", 2024, "Muon: An optimizer for hidden layers in neural networks")
    yield Source("Kimi Team", 2025, "Kimi K2: Open Agentic Intelligence")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Adam keeps running averages of gradient and squared gradient, corrects both for their start at zero, and steps by mean over root: two numbers of state for each weight. AdamW adds weight decay directly to the weight, not through the gradient. Lion takes the sign of a mix of momentum and gradient, with one number. Adafactor keeps row and column sums of the squares: rows + columns numbers for a matrix."
    yield "Weight decay shrinks weights towards zero in every step; biases and norm gains are usually left out. It equals an L2 penalty in plain SGD only: in Adam the penalty is divided by the size of the gradients, hence AdamW."
    yield Try("tfx quiz optimizers")
