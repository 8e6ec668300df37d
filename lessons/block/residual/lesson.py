"""Residual connections: add what a sub-layer found to what it read, and what that does to signal and gradient."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, between, formula, matrix, question,
    setting, table, within,
)  # fmt: skip
from tfx.lab.block.add_and_norm import Passed, through_sublayers
from tfx.nn.feed_forward import FeedForward
from tfx.nn.residual import Residual
from tfx.ops.norms.layer_norm import layer_norm_forward

#: Random stacks behind each number.
DRAWS = 4


@dataclass(frozen=True)
class Settings:
    depth: int = setting(24, 2, 48, "sub-layers of a stack")
    width: int = setting(32, 8, 64, "C, the numbers of a token")

    def bytes_needed(self) -> float:
        """Weights of one stack, their gradients and what the way back keeps, in float64."""
        return 8.0 * self.depth * (16 * self.width**2 + 200 * self.width)


class Run:
    """x: (1, C), one token; slopes: three, of branches that are numbers."""

    def __init__(self, request: Request) -> None:
        self.depth, self.width, self.seed = request.settings.depth, request.settings.width, request.seed
        rng = np.random.default_rng(request.seed)
        self.x = rng.standard_normal((1, self.width))
        self.slopes = [float(s) for s in rng.choice([-0.5, -0.4, -0.2, 0.1, 0.2, 0.3, 0.5], 3, replace=False)]
        self.through = cache(self._through)

    def _through(self, way: str, depth: int) -> list[Passed]:
        """Random stacks; the draws are the same for each way."""
        return [through_sublayers(way, depth, self.width, np.random.default_rng((self.seed, n))) for n in range(DRAWS)]

    def gradient(self, way: str, depth: int) -> float:
        """What is left of a gradient of size 1 before the first sub-layer: geometric mean."""
        return math.exp(float(np.mean([np.log(one.gradient[0]) for one in self.through(way, depth)])))

    def size(self, way: str, depth: int) -> float:
        return math.exp(float(np.mean([np.log(one.size[-1]) for one in self.through(way, depth)])))

    def kept(self, way: str, depth: int) -> float:
        return float(np.mean([one.kept for one in self.through(way, depth)]))


lesson = Lesson(Run, Settings)


@lesson.step("Add to it, do not replace it")
def add(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    layer = FeedForward(run.width, 4 * run.width, rng, "relu", "float64")
    f, _ = layer.forward(run.x)
    layer.second.w.value[...] = 0.0
    silent, _ = layer.forward(run.x)
    yield "A deep model sends each token through many sub-layers. If each replaced what it read, a token would have to be rebuilt every time. A residual connection keeps the token and adds what the sub-layer found."
    yield formula("y = x + f(x)", "x: the token's C numbers, f: the sub-layer")
    yield matrix("one token, its first numbers", np.concatenate([run.x, f, run.x + f])[:, :6], "row, number", ("x", "f(x)", "y"))  # fmt: skip
    yield "So f learns a correction. To do no harm is easy: where f gives 0, the sub-layer is as good as absent, and a deeper model can do all that a shallower one can. x and f(x) must have the same width."
    yield agree("silent", "an f whose last map is 0 leaves the token as it is", run.x + silent, run.x, to=0.0)
    yield Source("He et al.", 2016, "Deep Residual Learning", "section 3.1")


@lesson.step("The same for the gradient: 1 plus something")
def the_gradient(run: Run) -> Iterator[Shown]:
    a, b, c = run.slopes
    paths = [float(np.prod(chosen)) for chosen in product(*((1.0, slope) for slope in run.slopes))]
    sums, plain = (1 + a) * (1 + b) * (1 + c), a * b * c
    yield "Learning sends a gradient back: how the loss changes with each number. Past y = f(x) it is multiplied by the slope of f, past y = x + f(x) by 1 plus that slope. For tokens of C numbers the slope is a matrix, J, and 1 is the matrix I that changes nothing."
    yield formula("dy/dx = I + J        J: how each number of f(x) changes with each of x")
    yield question(f"Three sub-layers have slopes {a:g}, {b:g} and {c:g}. Past all three sums, what is a gradient of 1?", sums, "Multiply 1 plus each slope.")  # fmt: skip
    yield f"(1 + {a:g}) (1 + {b:g}) (1 + {c:g}) = {sums:.3f}. Without the sums it is ({a:g}) ({b:g}) ({c:g}) = {plain:.3f}. Multiplied out, the product is a sum over {len(paths)} ways back, through each f or around it. One goes around all, and its factor is 1."
    yield formula("(I + J_3)(I + J_2)(I + J_1) = I + J_1 + J_2 + J_3 + J_2 J_1 + ... + J_3 J_2 J_1")
    yield agree("paths", "the product is the sum over all ways back", sum(paths), sums)
    yield Source("He et al.", 2016, "Identity Mappings in Deep Residual Networks")


@lesson.step("Through many sub-layers")
def through_depth(run: Run) -> Iterator[Shown]:
    depths = sorted({1, max(2, run.depth // 4), run.depth})
    rows = [{"depth": depth, "plain": run.gradient("neither", depth), "add": run.gradient("add", depth)} for depth in depths]  # fmt: skip
    one, last = round(rows[0]["plain"], 3), rows[-1]
    law = run.depth * math.log10(one)
    yield f"Now stacks of random feed-forward networks (two matrices with a ReLU between them), as at the start of training, C = {run.width}. A gradient of size 1 starts at the end. Past one of them, without the sum, {one:.3f} is left."
    yield question(f"If each of {run.depth} does the same, what is log10 of what reaches the first?", law, f"{run.depth} times log10({one:.3f}).")  # fmt: skip
    yield table(f"gradient before the first sub-layer, mean of {DRAWS} stacks", rows, depth="sub-layers", plain="y = f(x) :2", add="y = x + f(x) :3")  # fmt: skip
    yield f"Measured, log10 is {math.log10(last['plain']):.2f}: the first sub-layers would hardly learn. With the sum nothing vanishes, but now it grows, by {last['add']:.3g}: each branch adds something."
    yield within("vanishes", "log10 of the plain gradient, by one sub-layer's factor", law, math.log10(last["plain"]), 0.2 + 0.08 * run.depth * math.sqrt(8 / run.width))  # fmt: skip
    yield at_least("arrives", "with the sum at least half of the gradient arrives", 0.5, last["add"])
    yield through_sublayers
    yield Try.here(depth=48 if run.depth < 48 else 8)


@lesson.step("Add and norm: who does what")
def add_and_norm(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    names = {
        "neither": "f(x)",
        "add": "x + f(x)",
        "norm": "norm(f(x))",
        "both": "norm(x + f(x))",
        "pre": "x + f(norm(x))",
    }
    rows = [{"way": text, "size": run.size(way, run.depth), "gradient": run.gradient(way, run.depth), "kept": run.kept(way, run.depth)} for way, text in names.items()]  # fmt: skip
    shares = run.kept("add", 2), run.kept("norm", 2)
    summed = layer_norm_forward(run.x + rng.standard_normal(run.x.shape))[0]
    yield 'The sum lets sizes grow. So the original Transformer follows it with a norm: the sum of each token is shifted to mean 0 and scaled to variance 1, and that is all of "add and norm". (What a norm computes is the next topic.) Its form norm(x + f(x)) is called post-LN. Today the norm often stands in front of f, pre-LN. Some texts print the one and program the other.'
    yield table(f"after {run.depth} random sub-layers; likeness: cosine with the first x", rows, way="y =", size="size of y :2", gradient="gradient :2", kept="likeness :2")  # fmt: skip
    yield f"Size: root of the mean square. The norm keeps it, and here the gradient at the first too; the sum keeps x. After 2 sub-layers the likeness is {shares[0]:.2f} with the sum alone and {shares[1]:.2f} with the norm alone. Deeper down others have added more."
    yield agree("steady", "norm(x + f(x)) has size 1", run.size("both", run.depth), 1.0, to=1e-3)
    yield at_least("grows", "the sum alone grows: size per sub-layer", 1.03, run.size("add", run.depth) ** (1 / run.depth))  # fmt: skip
    yield at_least("kept", "likeness after 2: what the sum keeps more than the norm alone", 0.3, shares[0] - shares[1])
    yield agree("standard", "after the norm a token has mean 0 and variance 1", [summed.mean(), summed.var()], [0, 1], to=1e-3)  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.1")
    yield Residual


def share_that_shrinks(rng: np.random.Generator) -> float:
    """Of 10,000 chains of four slopes between -1 and 1: how many leave less than 1 of a gradient."""
    slopes = rng.uniform(-1, 1, size=(10_000, 4))
    return float(((1 + slopes).prod(axis=1) < 1).mean())


@lesson.step("What is often said too strongly")
def too_strong(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    smaller = share_that_shrinks(rng)
    yield Said("With residual connections a gradient is at least 1, thanks to the identity.", "false", f"At a slope of -1 the sum is 0. Of 10,000 chains of four slopes drawn evenly between -1 and 1, {smaller:.0%} leave less than 1. The identity keeps a way open; it promises no size.", "C110")  # fmt: skip
    yield Said("Transformers have no vanishing gradients.", "false", "Deep in stacks of random post-LN blocks queries and keys get almost none: tokens have become alike.", "C112")  # fmt: skip
    yield Said("ResNets brought residual connections against vanishing gradients.", "too strong", "Their paper writes that norms had largely dealt with those. It names degradation: deeper plain nets had a larger error on the training data itself.")  # fmt: skip
    yield between("shrinks", "share of chains that leave less than 1: many, not all", 0.5, 0.9, smaller)
    yield Try("tfx experiment gradient-flow")


@lesson.step("Since 2017")
def since(run: Run) -> Iterator[Shown]:
    pre, post = (run.size(way, run.depth) for way in ("pre", "both"))
    added = (pre**2 - 1) / run.depth
    yield f"The sum stayed, its surroundings changed. In pre-LN nothing stands on the way from y back to x, and the size grows slowly: its square by {added:.2f} for each sub-layer here, to a size of {pre:.2f}. In post-LN it stays at {post:.2f}."
    yield "DeepNet weighs the sum, norm(a x + f(x)) with a number a above 1, and trains a thousand layers. Hyper-connections (Zhu et al. 2024) keep several such sums side by side and learn how to mix them."
    yield Said("The norm of add and norm is there to regularise.", "too strong", "It holds the size, and learning goes faster. An effect against overfitting, if any, is minor.")  # fmt: skip
    yield formula("x_n = x_0 + f_1 + f_2 + ... + f_n        pre-LN: all branches are in it")
    yield "So people speak of a stream that every sub-layer reads and adds to. What was written early, a word and its place, can be read late, unless others cover it."
    yield within("linear", "norm in front: what a sub-layer adds to the square of the size", 0.32, added, 0.2)
    yield Source("Wang et al.", 2022, "DeepNet: Scaling Transformers to 1,000 Layers")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A residual connection adds a sub-layer's output to its input. So the sub-layer learns a correction, what was there stays in the sum, and the derivative is the identity plus the sub-layer's own: gradients have a way back past every layer."
    yield "The sum lets sizes grow, and the norm takes care of that. Add and norm in the original is LayerNorm(x + f(x)); most models today take x + f(norm(x))."
    yield Try("tfx quiz residual")
