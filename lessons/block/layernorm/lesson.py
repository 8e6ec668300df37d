"""LayerNorm: every token is centred and scaled by its own statistics, then given a learned gain and offset."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.operation import Operation
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, matrix, question, setting,
    table, within,
)  # fmt: skip
from tfx.lab.block.add_and_norm import through_sublayers
from tfx.nn.layer_norm import LayerNorm
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward

TOKENS = ("first", "large", "shifted")


@dataclass(frozen=True)
class Settings:
    width: int = setting(6, 3, 64, "C, the numbers of a token")
    size: float = setting(10.0, 0.01, 1e4, "what the second token is multiplied by")
    shift: float = setting(5.0, -1e3, 1e3, "what is added to the third token")


class Run:
    """x: (3, C): a token, one of another size, one with another mean.  gamma, beta: (C,)."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        rng = np.random.default_rng(request.seed)
        self.width, self.seed = settings.width, request.seed
        self.x = rng.standard_normal((3, settings.width))
        self.x[1] *= settings.size
        self.x[2] += settings.shift
        self.gamma, self.beta = rng.uniform(0.5, 2, settings.width), rng.uniform(-1, 1, settings.width)


lesson = Lesson(Run, Settings)
layer_norm = Operation("layer_norm", layer_norm_forward, layer_norm_backward, lambda run: {"x": run.x, "gamma": run.gamma, "beta": run.beta})  # fmt: skip


@lesson.step("Tokens of all sizes, brought to one")
def by_itself(run: Run) -> Iterator[Shown]:
    y, _ = layer_norm_forward(run.x, eps=0.0)
    rows = [{"token": name, "mean": a.mean(), "variance": a.var(), "mean_y": abs(b.mean()), "variance_y": b.var()} for name, a, b in zip(TOKENS, run.x, y, strict=True)]  # fmt: skip
    x = run.x[0]
    variance = f"Its mean is {x.mean():.3f}, and the squares of its distances from it sum to {((x - x.mean()) ** 2).sum():.3f}."
    yield "Every sub-layer adds to a token, so tokens get large, small, off centre, and the next layer has to cope. LayerNorm removes that: from each token its own mean is taken, and the rest is divided by its own standard deviation."
    yield question(f"The first token has {x.size} numbers. {variance} What is its variance?", x.var(), "Divide the sum by the number of numbers.")  # fmt: skip
    yield table("three tokens before and after", rows, token="token", mean="mean :3", variance="variance :3", mean_y="mean after :1", variance_y="variance after :3")  # fmt: skip
    yield f"By hand, the first number: ({x[0]:.4f} - {x.mean():.4f}) / sqrt({x.var():.4f}) = {y[0, 0]:.3f}. The mean and the variance are taken over the {x.size} numbers of this one token, divided by {x.size} and not by {x.size - 1}."
    yield agree("standard", "after it every token has mean 0 and variance 1", np.stack([y.mean(axis=-1), y.var(axis=-1) - 1]), to=1e-9)  # fmt: skip


lesson.step("The formula", layer_norm.idea)


@lesson.step("Gain, offset and eps")
def gain_and_offset(run: Run) -> Iterator[Shown]:
    y, _ = layer_norm_forward(run.x, run.gamma, run.beta)
    plain, _ = layer_norm_forward(run.x)
    flat, _ = layer_norm_forward(np.full((1, run.width), 3.0), run.gamma, run.beta)
    numbers = LayerNorm(run.width).n_parameters
    yield "The next layer may want other sizes. So each of the C numbers gets a gain gamma and an offset beta, learned and the same for every token. Training starts with gain 1 and offset 0."
    yield matrix("the first token, its first numbers", np.stack([plain[0], run.gamma, run.beta, y[0]])[:, :6], "row, number", ("xhat", "gamma", "beta", "y"))  # fmt: skip
    yield f"By hand: {run.gamma[0]:.3f} * {plain[0, 0]:.3f} + {run.beta[0]:.3f} = {y[0, 0]:.3f}. Now the mean is {y[0].mean():.3f} and the variance {y[0].var():.3f}: a size that was learned."
    yield question(f"How many numbers does a LayerNorm of width {run.width} learn?", numbers, "A gain and an offset for each number of a token.", 0.0)  # fmt: skip
    yield "eps, here 0.00001, stands under the root, next to the variance. Without it a token of equal numbers would be 0 / 0; with it such a token becomes beta."
    yield agree("affine", "y is gamma * xhat + beta", y, run.gamma * plain + run.beta)
    yield agree("flat", "a token of equal numbers becomes beta", flat[0], run.beta, to=1e-9)


@lesson.step("It looks at nothing but the token")
def alone(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    y, _ = layer_norm_forward(run.x)
    other = run.x.copy()
    other[1:] = 100 * rng.standard_normal(other[1:].shape)
    among, single = layer_norm_forward(other)[0][0], layer_norm_forward(run.x[:1])[0][0]
    rows = [{"what": what, "change": float(np.abs(changed - y[0]).max())} for what, changed in (("all other tokens are replaced", among), ("it stands alone", single))]  # fmt: skip
    yield "Which numbers are averaged? A batch has B sentences of T tokens of C numbers. LayerNorm of a Transformer averages over the C of one token: B * T means, and B * T variances."
    yield table("what that changes in the first token's output", rows, what="change", change="output moves by")
    yield "So it does the same in training and in use, for any length, with padding or without it, and for a batch of one. Nothing is stored but gamma and beta."
    yield Said("LayerNorm normalises each sentence.", "false", "Its mean is that of one token. A mean over a sentence would let a word see words that come after it.", "C115")  # fmt: skip
    yield agree("alone", "what other tokens change in a token's output", [row["change"] for row in rows])
    yield Try("tfx experiment layernorm-vs-batchnorm")


def sizes(run: Run, depths: tuple[int, ...]) -> list[dict[str, float]]:
    """Behind so many random sub-layers: size of the stream without a norm, with one in front of f, with one behind.

    The last row is about gradients: what a gradient of 1 has become before the first sub-layer.
    """
    ways = ("add", "pre", "both")
    stacks = {way: [through_sublayers(way, max(depths), 32, np.random.default_rng((run.seed, n))) for n in range(4)] for way in ways}  # fmt: skip

    def mean(numbers: Iterator[float]) -> float:
        return math.exp(float(np.mean(np.log(list(numbers)))))

    rows = [{"depth": depth} | {way: mean(one.size[depth] for one in stacks[way]) for way in ways} for depth in depths]
    return [*rows, {way: mean(one.gradient[0] for one in stacks[way]) for way in ways}]


@lesson.step("What it does to depth")
def steady(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    *rows, gradient = sizes(run, (1, 6, 12, 24))
    w = rng.standard_normal((run.width, run.width))
    (small, _), (large, _) = (layer_norm_forward(run.x @ (w * by), eps=0.0) for by in (1.0, 100.0))
    last = rows[-1]
    yield "Random feed-forward sub-layers with residual connections, as at the start of training. Size is the root of a token's mean square, 1 at first."
    yield table("size behind so many sub-layers of width 32", rows, depth="sub-layers", add="x + f(x) :3", pre="x + f(norm(x)) :3", both="norm(x + f(x)) :3")  # fmt: skip
    yield f"Without a norm it grows like a power, here to {last['add']:.0f}. With one in front, f reads size 1 and adds equal amounts: the sum grows slowly. Behind the sum it stays at 1. A gradient of size 1 comes back as {gradient['add']:.3g}, {gradient['pre']:.3g} and {gradient['both']:.3g}."
    yield "Where a map without bias feeds a norm, its scale does not count, but for eps: weights 100 times as large give the same output."
    yield at_least("grows", "size without a norm over size with one in front, 24 sub-layers", 3.0, last["add"] / last["pre"])  # fmt: skip
    yield within("one", "size with the norm behind the sum", 1.0, last["both"], 1e-3)
    yield at_most("gradient", "gradient with a norm, over that without", 0.5, max(gradient["pre"], gradient["both"]) / gradient["add"])  # fmt: skip
    yield agree("scale", "weights 100 times as large change nothing", large, small, to=1e-9)
    yield Try("tfx experiment norm-placement")


lesson.step("The way back", layer_norm.derivation)
lesson.step("Is it true?", layer_norm.proof)


@lesson.step("What is often said too strongly")
def too_strong(run: Run) -> Iterator[Shown]:
    y, cache = layer_norm_forward(run.x)
    dx, _, _ = layer_norm_backward(y * y, cache)
    yield Said("It works by reducing internal covariate shift.", "too strong", "Why norms help is argued about. For BatchNorm, Santurkar et al. (2018) put such a shift back in, and training stayed as fast. Xu et al. (2019) find that in LayerNorm the derivatives of mean and variance matter more than the values on the way there.", "C122")  # fmt: skip
    yield Said("It prevents overfitting.", "too strong", "It adds no noise, and evidence for such an effect is weak. Steady sizes and faster training are its point.")  # fmt: skip
    yield Said("It keeps attention from becoming extreme.", "true with conditions", "It does where tokens are large. Query and key maps can still grow, and then one key gets nearly all.", "C120")  # fmt: skip
    yield "What the way back does can be seen in the formula: <g> and <g xhat> are taken out. Every gradient that leaves a LayerNorm has mean 0 and, up to eps, no part along the centred token."
    yield agree("mean-free", "the gradient of every token has mean 0", dx.mean(axis=-1), to=1e-9)
    yield Source("Xu et al.", 2019, "Understanding and Improving Layer Normalization")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "LayerNorm takes each token by itself: subtract the mean of its numbers, divide by the root of their variance plus eps, then multiply by a learned gain and add a learned offset."
    yield "It needs no other token and no batch, so training and use are the same. It holds the sizes of tokens and gradients through depth, which makes training steadier and faster. In the original it stands behind the sum, LayerNorm(x + f(x)), not x + LayerNorm(f(x))."
    yield See("residual", "add_and_norm")
    yield Try("tfx quiz layernorm")
