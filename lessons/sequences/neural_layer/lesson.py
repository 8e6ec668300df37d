"""A layer of a neural network: an affine map and a bend, and what a stack is worth without the bend."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, between, exactly, formula, matrix, proof, question, setting, table,
)  # fmt: skip
from tfx.lab.sequences.exclusive_or import ANSWERS, INPUTS, SOLUTION, best_line, learn_xor
from tfx.measure.verdicts import largest
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.feed_forward import feed_forward_forward

STARTS, STEPS = 40, 1500
SAMPLES = (-2.0, -0.5, 0.0, 0.5, 2.0)


@dataclass(frozen=True)
class Settings:
    width: int = setting(4, 2, 16, "numbers in a vector, in and out")
    hidden: int = setting(8, 2, 32, "hidden units of the network that learns")


class Run:
    """x: (3, width), three tokens.  w1, b1, w2, b2: two random layers of that width."""

    def __init__(self, request: Request) -> None:
        self.hidden, width, self.seed = request.settings.hidden, request.settings.width, request.seed
        rng = np.random.default_rng(request.seed)
        self.x, self.w1, self.w2 = rng.standard_normal((3, width)), *rng.standard_normal((2, width, width))
        self.b1, self.b2 = rng.standard_normal((2, width))


lesson = Lesson(Run, Settings)


@lesson.step("Mix, shift, bend")
def one_layer(run: Run) -> Iterator[Shown]:
    x, w, b = np.array([[2.0, -1.0]]), np.array([[1.0, -1.0], [3.0, 1.0]]), np.array([0.5, 1.0])
    z, _ = linear_forward(x, w, b)
    y = np.maximum(z, 0)
    yield "A network is a chain of layers. Each makes one vector, a row of numbers, from another: mix by a matrix W, shift by b (an affine map), bend each by a function f."
    yield formula("y = f(x W + b)", "x: 2 numbers, W: 2 x 2, b: 2 numbers -> y: 2 numbers")
    yield matrix(
        "x, then W, then b", np.concatenate([x, w, b[None]]), "what, number", ("x", "W, row 1", "W, row 2", "b")
    )
    yield f"By hand, the first number: 2 * 1 + (-1) * 3 + 0.5 = {z[0, 0]:g}. ReLU makes 0 of what is below 0. So it becomes {y[0, 0]:g}."
    yield question("What is the layer's second number?", y[0, 1], "2 * (-1) + (-1) * 1 + 1, then ReLU.")
    yield agree("by-hand", "x W + b by the library, number by number", z[0], [sum(x[0, i] * w[i, j] for i in range(2)) + b[j] for j in range(2)])  # fmt: skip


@lesson.step("Vectors in, vectors out: every token by itself")
def tokens(run: Run) -> Iterator[Shown]:
    y, _ = linear_forward(run.x, run.w1, run.b1)
    alone = np.concatenate([linear_forward(row[None], run.w1, run.b1)[0] for row in run.x])
    shapes = [{"what": name, "shape": str(a.shape)} for name, a in (("x", run.x), ("W", run.w1), ("b", run.b1), ("y", y))]  # fmt: skip
    yield "A text is a row of vectors, one for each token. The layer treats each of them alike, with the same W and b, and no token sees another. (That they meet is the work of recurrence or attention.)"
    yield table("three tokens, one product", shapes, what="array", shape="shape")
    yield f"W and b are learned: {run.w1.size + run.b1.size} numbers here, however many tokens there are."
    yield agree("alone", "all tokens at once, and one by one", y, alone)
    yield proof("x W + b", linear_forward, linear_backward, {"x": run.x, "w": run.w1, "b": run.b1})
    yield linear_forward
    yield linear_backward


@lesson.step("Without the bend a stack is one layer")
def collapse(run: Run) -> Iterator[Shown]:
    two = linear_forward(linear_forward(run.x, run.w1, run.b1)[0], run.w2, run.b2)[0]
    w, b = run.w1 @ run.w2, run.b1 @ run.w2 + run.b2
    bent = feed_forward_forward(run.x, run.w1, run.b1, run.w2, run.b2, "relu")[0]
    yield "Put two layers behind each other and leave out f. Multiply out:"
    yield formula("(x W_1 + b_1) W_2 + b_2 = x (W_1 W_2) + (b_1 W_2 + b_2)")
    yield "On the right stands one matrix and one shift. Two layers can do nothing that one could not; nor can a hundred."
    rows: list[dict[str, Any]] = [{"stack": "two layers without a bend", "gap": float(abs(two - run.x @ w - b).max())}, {"stack": "with ReLU between them", "gap": float(abs(bent - run.x @ w - b).max())}]  # fmt: skip
    yield table(
        "largest difference from the one layer that is multiplied out", rows, stack="stack", gap="difference :2"
    )
    yield Said("More layers make a network more powerful.", "true with conditions", "If something bends between them. Affine maps in a row are one affine map.")  # fmt: skip
    yield agree("one", "two layers without a bend, and the one that is multiplied out", two, run.x @ w + b, to=1e-9)
    yield at_least("bent", "with ReLU between them: difference", 1e-6, rows[1]["gap"])


@lesson.step("A question that no straight line answers")
def xor(run: Run) -> Iterator[Shown]:
    line = best_line()
    solved, cache = feed_forward_forward(INPUTS, *SOLUTION, "relu")
    rows = [{"a": int(a), "b": int(b), "answer": int(answer), "line": guess, "h": f"{h[0]:g}, {h[1]:g}", "net": net} for (a, b), answer, guess, h, net in zip(INPUTS, ANSWERS, line, cache.hidden, solved[:, 0], strict=True)]  # fmt: skip
    yield "XOR: answer 1 when exactly one of two inputs is 1. The best affine map, by least squares, cannot tell the cases apart. Two hidden units (numbers between two layers) with ReLU can:"
    yield formula("h = (ReLU(a + b), ReLU(a + b - 1))        y = h_1 - 2 h_2")
    yield question("What does the best line answer to all four cases?", 0.5, "The mean of the answers: tilting it either way is wrong as often as right.")  # fmt: skip
    yield table("all four cases", rows, a="a", b="b", answer="XOR", line="best line :3", h="h_1, h_2", net="network :3")
    yield agree("line", "the best affine map answers one half, always", line, 0.5)
    yield agree("solved", "two hidden units answer every case", solved[:, 0], ANSWERS)
    yield Source("Minsky and Papert", 1969, "Perceptrons")
    yield feed_forward_forward


@lesson.step("Can it be learned?")
def learned(run: Run) -> Iterator[Shown]:
    bent = learn_xor(run.seed, run.hidden, STARTS, STEPS)
    straight = learn_xor(run.seed, run.hidden, STARTS, STEPS, bend=False)
    right, never = (int((errors < 0.25).sum()) for errors in (bent, straight))
    rows = [{"what": "with ReLU", "right": right, "error": float(np.median(bent))}, {"what": "without a bend", "right": never, "error": float(np.median(straight))}]  # fmt: skip
    yield f"Having a solution is one thing, finding it another. {STARTS} random starts, {run.hidden} hidden units, {STEPS} steps of gradient descent each:"
    yield table("starts from which all four answers come out right", rows, what="network", right=f"of {STARTS} starts", error="median of the worst error :2")  # fmt: skip
    yield f"Without a bend no start can succeed. With it {right} of {STARTS} do. More hidden units help: a small network can get stuck, though a solution with two units exists."
    yield exactly("never", "starts that learn XOR without a bend", 0, never)
    yield at_least("some", "starts that learn it with ReLU", 1, right)
    yield learn_xor
    yield Try.here(hidden=2 if run.hidden != 2 else 16)


@lesson.step("Which bend?")
def bends(run: Run) -> Iterator[Shown]:
    names, x = ("relu", "tanh", "gelu"), np.array(SAMPLES)
    values = np.stack([ACTIVATIONS[name][0](x)[0] for name in names])
    yield "ReLU cuts at 0, tanh keeps all within 1, GELU is a ReLU with a round corner. The Transformer of 2017 has ReLU (section 3.3 of the paper), BERT and GPT-2 GELU; many since multiply two maps, one of them bent (SwiGLU)."
    yield matrix("what becomes of a number", values, "bend, number", names, [f"{s:g}" for s in SAMPLES])
    yield Said("A network with one hidden layer can compute anything.", "true with conditions", "Given units enough, any continuous function on a closed, bounded region, as closely as you like, if the bend is continuous and no polynomial.")  # fmt: skip
    yield at_most("tanh", "tanh stays within 1: largest size", 1.0, largest(abs(values[1])))
    yield between("gelu", "GELU is near ReLU: largest difference at these numbers", 0.01, 0.2, largest(abs(values[2] - values[0])))  # fmt: skip
    yield Source("Leshno et al.", 1993, "Multilayer feedforward networks with a nonpolynomial activation function can approximate any function")  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A layer takes a vector, applies an affine map, x W + b, and then bends each number by a nonlinear function such as ReLU. Vectors in, vectors out, the same weights for every token."
    yield "Without the bend a stack of layers collapses to a single affine map, which cannot even compute XOR. With two hidden ReLU units it can."
    yield Try("tfx quiz neural-layer")
