"""The position-wise feed-forward network: two maps and a bend, for each token on its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from lessons.operation import Operation
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, exactly, formula, matrix, numbered, question, setting,
    table, within,
)  # fmt: skip
from tfx.lab.block.feed_forward_memory import Memory
from tfx.lab.block.ffn_memory import directions, planted
from tfx.lab.scale.parameter_budget import block_row
from tfx.nn.feed_forward import FeedForward, gated_width
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.feed_forward import feed_forward_backward, feed_forward_forward
from tfx.ops.feed_forward.gated import glu_forward

#: The width of the tokens in the step on memory.
WIDE = 128


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(4, 3, 32, "T, tokens in the sentence")
    width: int = setting(6, 2, 64, "C, the numbers of a token")
    facts: int = setting(5, 2, 12, "facts that are written into the network")


class Run:
    """x: (T, C); weights of a network with F = 4 C."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        rng = np.random.default_rng(request.seed)
        self.tokens, self.width, self.facts = settings.tokens, settings.width, settings.facts
        self.hidden = 4 * self.width
        self.x = rng.standard_normal((self.tokens, self.width))
        self.weights = {
            "w1": rng.standard_normal((self.width, self.hidden)) / np.sqrt(self.width),
            "b1": rng.standard_normal(self.hidden) / 2,
            "w2": rng.standard_normal((self.hidden, self.width)) / np.sqrt(self.hidden),
            "b2": np.zeros(self.width),
        }

    def through(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(feed_forward_forward(x, **self.weights, activation="relu")[0])


lesson = Lesson(Run, Settings)
network = Operation("feed_forward", feed_forward_forward, feed_forward_backward, lambda run: {"x": run.x, **run.weights})  # fmt: skip


@lesson.step("Each token on its own")
def alone(run: Run) -> Iterator[Shown]:
    y, third = run.through(run.x), run.x.copy()
    third[2] += 1.0
    swapped = run.x[[1, 0, *range(2, run.tokens)]]
    moved = np.abs(run.through(third) - y).max(axis=1)
    yield "Attention carries things from token to token. Then somebody has to work with what was brought: the feed-forward network. It takes one token, widens it to F numbers, bends them, and narrows them again. It sees no other token."
    yield formula("max(0, x W_1 + b_1) W_2 + b_2", "(T, C) -> (T, F) -> (T, C)")
    yield f"W_1, W_2 and the biases b_1, b_2 are the same for every token of a layer; every layer has its own. Usually F = 4 C, here {run.hidden} (papers: d_ff, d_model)."
    yield question(f"Token 3 of {run.tokens} changes. How many rows of the output change?", 1, "Only its own.", 0.0)
    yield matrix("how far each row moves", moved, "change, token", ("largest",), numbered(run.tokens))
    yield "Swap tokens 1 and 2, and their rows are swapped. Different outputs come from different inputs and never from the place."
    yield exactly("own", "rows that move when token 3 changes", 1, int((~(moved <= 1e-12)).sum()))
    yield agree("swap", "swapped tokens give swapped rows", run.through(swapped)[[1, 0, *range(2, run.tokens)]], y)
    yield agree("rows", "row by row gives the same as all at once", np.concatenate([run.through(row[None]) for row in run.x]), y)  # fmt: skip


lesson.step("The formula, the shapes, the code", network.idea)


@lesson.step("Why the bend: either, but not both")
def the_bend(run: Run) -> Iterator[Shown]:
    x = np.array(list(product((0.0, 1.0), repeat=2)))
    w1, b1, w2, b2 = np.ones((2, 2)), np.array([0.0, -1.0]), np.array([[1.0], [-2.0]]), np.zeros(1)
    target = (x.sum(axis=1) == 1).astype(float)
    bent, flat = (feed_forward_forward(x, w1, b1, w2, b2, activation)[0][:, 0] for activation in ("relu", "identity"))
    with_one = np.hstack([x, np.ones((4, 1))])
    fit = with_one @ np.linalg.lstsq(with_one, target, rcond=None)[0]
    rows = [{"x": f"{a:g}, {b:g}", "want": want, "h1": max(0.0, a + b), "h2": max(0.0, a + b - 1), "y": y, "fit": line} for (a, b), want, y, line in zip(x, target, bent, fit, strict=True)]  # fmt: skip
    yield "A token has two numbers, 0 or 1. The answer should be 1 where exactly one of them is 1. Two hidden units, set by hand, do it:"
    yield formula("h_1 = max(0, x_1 + x_2)      h_2 = max(0, x_1 + x_2 - 1)      y = h_1 - 2 h_2")
    yield question("For x = 1, 1: h_1 = 2 and h_2 = 1. What is h_1 - 2 h_2?", bent[3], "2 - 2 * 1.", 0.01)
    yield table("with the bend, and the best that maps without one can do", rows, x="x", want="wanted :2", h1="h_1 :2", h2="h_2 :2", y="y :2", fit="best line :2")  # fmt: skip
    yield "Without max the two maps are one map, x (W_1 W_2) + a constant. Its best fit to these four by squared error is one half everywhere, however wide the hidden layer."
    yield agree("xor", "with the bend the four answers are right", bent, target)
    yield agree("collapse", "without it two maps are one", flat, x @ (w1 @ w2)[:, 0] + (b1 @ w2 + b2)[0])
    yield agree("half", "... and the best fit says one half to all", fit, 0.5)


@lesson.step("Read as a memory: a key, a value")
def memory(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    keys, values = directions(run.facts, WIDE, rng), directions(run.facts, WIDE, rng)
    empty = Memory(np.zeros((0, WIDE)), np.zeros(0), np.zeros((0, WIDE)), np.zeros(WIDE))
    taught = planted(empty, keys, values, 0.5)
    said, answers = taught.read(keys), taught.coefficients(keys)
    kept = taught._replace(keys=taught.keys[1:], thresholds=taught.thresholds[1:], values=taught.values[1:])
    lost = kept.read(keys[:1])
    yield "Hidden unit i has a column of W_1, its key k_i, and a row of W_2, its value v_i. It fires where the token is like the key, and adds its value in that measure: attention to learned keys and values (Geva et al. 2021, section 2)."
    yield formula("y = sum_i  max(0, x . k_i + b_i) v_i        attention without softmax")
    yield f"So facts can be written in by hand: {run.facts} pairs of random directions of {WIDE} numbers, a unit for each, which fires where the cosine with its key is above one half."
    yield matrix("how strongly a unit fires", answers, "key, unit", numbered(run.facts, "k"), numbered(run.facts, "u"), focus=range(2))  # fmt: skip
    yield f"At key 1 it says value 1, off by {np.abs(said[0] - values[0]).max():.1g}. Without unit 1 it says nothing there: {np.abs(lost).max():.1g}."
    yield agree("facts", "what is said at a key less its value", said, values)
    yield agree("deleted", "without its unit a key gives 0", lost)
    yield planted
    yield Try("tfx experiment ffn-memory")


@lesson.step("Most of a block's weights")
def weights(run: Run) -> Iterator[Shown]:
    base = FeedForward(512, 2048, np.random.default_rng(0), "relu", bias=False).n_parameters
    rows = [block_row(512, kind, 4.0) for kind in ("encoder block", "decoder block")]
    shown = [{"what": row["what"], "share": row["feed_forward"]} for row in rows]
    yield "The two maps have 2 C F weights, with F = 4 C 8 C^2. Attention's four have 4 C^2."
    yield question("The original has C = 512 and F = 2048. How many weights have the two maps?", base, "2 * 512 * 2048; biases add F + C more.", 0.0)  # fmt: skip
    yield table("share of the network in a block's parameters, C = 512, F = 2048", shown, what="block", share="share :3")  # fmt: skip
    yield "8 of 12 is two thirds. A decoder block that also reads a source has two attentions: 8 of 16, one half."
    yield Said("Feed-forward networks hold two thirds of the parameters.", "true with conditions", "Of a block with one attention and F = 4 C, and of large models. In small ones the embedding is large, too.", "C128")  # fmt: skip
    yield within("encoder", "encoder block: two thirds", 2 / 3, shown[0]["share"], 0.01)
    yield within("decoder", "decoder block with cross-attention: one half", 1 / 2, shown[1]["share"], 0.01)
    yield Try("tfx experiment parameter-budget")


@lesson.step("Other bends, and gates")
def bends(run: Run) -> Iterator[Shown]:
    grid, names = np.array([-3.0, -1.0, 0.0, 1.0, 3.0]), ("relu", "gelu", "silu")
    done = {name: ACTIVATIONS[name][0](grid) for name in names}
    slopes = {name: ACTIVATIONS[name][1](np.ones(grid.size), done[name][1]) for name in names}
    rows = [{"x": x} | {name: done[name][0][i] for name in names} | {f"d{name}": slopes[name][i] for name in names} for i, x in enumerate(grid)]  # fmt: skip
    plain, narrow = FeedForward(48, 192, np.random.default_rng(0), "relu", bias=False), gated_width(192)
    gated = FeedForward(48, narrow, np.random.default_rng(0), "swiglu", bias=False)
    phi = done["gelu"][0][3]
    yield formula("GELU(x) = x Phi(x)      SiLU(x) = x sigmoid(x)", "Phi: share of normal draws below x")
    yield f"Phi(1) = {phi:.3f}, so GELU(1) = {phi:.3f}, and GELU(-1) = -{1 - phi:.3f}."
    yield table("values, and slopes ('), of three bends", rows, x="x :2", relu="ReLU :2", gelu="GELU :2", silu="SiLU :2", drelu="ReLU' :2", dgelu="GELU' :2", dsilu="SiLU' :2")  # fmt: skip
    yield "ReLU's slope jumps at 0, the others' does not. A gated unit has two maps of x; one, bent, decides how much of the other passes. With SiLU it is SwiGLU (Shazeer 2020), of LLaMA and many models since:"
    yield formula("SwiGLU: h = SiLU(x W_gate) * (x W_up)        y = h W_down")
    yield f"Three maps, not two: for as many weights F falls from 4 C to about 8/3 C, at C = 48 from 192 to {narrow}, {gated.n_parameters:,} weights against {plain.n_parameters:,}."
    yield exactly("equal", "weights of the gated network less those of the plain one", 0, gated.n_parameters - plain.n_parameters)  # fmt: skip
    yield agree(
        "gate", "SiLU of one times the other", glu_forward(grid, grid[::-1], "silu")[0], done["silu"][0] * grid[::-1]
    )


@lesson.step("The way back, and is it true?")
def way_back(run: Run) -> Iterator[Shown]:
    yield from network.derivation(run)
    yield from network.proof(run)


@lesson.step("What is often said too strongly")
def too_strong(run: Run) -> Iterator[Shown]:
    read = attention_forward(2 * run.x, 2 * run.x, 2 * run.x)[0]
    off = float(np.abs(read - 2 * attention_forward(run.x, run.x, run.x)[0]).max())
    yield Said("Attention is linear; only the network bends.", "false", f"For given weights it is linear in the values. But the weights come from the tokens, by products and softmax: twice the tokens miss twice the output by {off:.2f} here.")  # fmt: skip
    yield Said("The network is position-specific.", "false", "Its weights are the same at every place. What differs is what it reads.", "C131")  # fmt: skip
    yield Said("Each unit holds a fact.", "too strong", "The sum over units holds for every network. One fact a unit is so where it was planted; gradients share facts out.", "C132")  # fmt: skip
    yield Said("The network helps gradients flow.", "true with conditions", "Beside a residual connection, which does it. On its own it takes from them.", "C127")  # fmt: skip
    yield Said("GELU is smoother than ReLU, and better for language.", "true with conditions", "Smoother it is. A small model ended alike with both; gains at scale are not measured here.", "C140")  # fmt: skip
    yield at_least("bends", "what attention misses of twice its output", 1e-3, off)


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "The feed-forward network is two linear maps with a nonlinearity between, widened to about four times d_model, the same for every token and separate for each layer. Attention moves information between tokens; the network works on each one."
    yield "With d_ff = 4 d_model it holds about two thirds of the weights of a block with one attention, and can be read as a memory: columns of W_1 are keys, rows of W_2 the values they add. Many newer models gate it, often with SwiGLU, and take about 8/3 C for F where the weights are to stay as many."
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.3")
    yield Source("Geva et al.", 2021, "Transformer Feed-Forward Layers Are Key-Value Memories", "section 2")
    yield Source("Shazeer", 2020, "GLU Variants Improve Transformer")
    yield Try("tfx quiz ffn")
