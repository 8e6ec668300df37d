"""The softmax Jacobian: derived, written out, checked three ways, and watched as it vanishes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_least, formula, lines, matrix, proof, question, setting, table, within,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.gradcheck import numeric_gradient
from tfx.lab.saturation import cross_entropy_gradient, frobenius, measure_row
from tfx.ops.basics.softmax import softmax_backward, softmax_forward, softmax_jacobian
from tfx.ops.losses.cross_entropy import cross_entropy_backward

PATTERN = (1.0, 1.0, 2.0)


@dataclass(frozen=True)
class Settings:
    scores: tuple[float, ...] = setting((2.0, 1.0, 0.1, -1.0), -1e6, 1e6, "the row to work on, 2 to 8 numbers")
    a: float = setting(5.0, -50, 300, "where to stand on the curve of [a, a, 2a]")

    def check(self) -> None:
        if not 2 <= len(self.scores) <= 8:
            raise BadInput(
                f"scores must be 2 to 8 numbers, but there are {len(self.scores)}.", "Try: --set scores=2,1,0"
            )


class Run:
    """x: (n,) scores, y: their softmax."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.a = settings.a
        self.x = np.array(settings.scores)
        self.y, self.cache = softmax_forward(self.x)


lesson = Lesson(Run, Settings)


@lesson.step("Softmax: every output shares one sum")
def the_row(run: Run) -> Iterator[Shown]:
    e = np.exp(run.x - run.x.max())
    yield formula("y_i = exp(x_i) / Z        Z = sum_k exp(x_k)", "(S) -> (S)")
    yield matrix(
        "one row of scores", np.stack([run.x, e, run.y]), "quantity, key", ("x", "exp(x - max)", "y = softmax")
    )
    yield f"y_1 by hand: {e[0]:.4f} / {e.sum():.4f} = {e[0] / e.sum():.4f}. Subtracting the maximum cancels in the quotient and keeps exp from overflowing."
    yield "Raise any one score and Z grows, so every other weight must shrink: the derivative is a matrix."
    yield Source("Bridle", 1990, "Probabilistic Interpretation of Feedforward Classification Network Outputs")
    yield softmax_forward
    yield Try.here(scores="5,1,0")


@lesson.step("One entry, by the quotient rule")
def one_entry(run: Run) -> Iterator[Shown]:
    first, second = run.y[:2]
    yield "Write e_i for exp(x_i), and delta_ij for 1 where i = j and 0 elsewhere. Then y_i = e_i / Z, and the quotient rule gives:"
    yield formula("dy_i/dx_j = (delta_ij e_i Z - e_i e_j) / Z^2")
    yield formula("          = y_i (delta_ij - y_j)")
    why = "Off the diagonal delta is 0, so it is -y_1 y_2: raising score 2 takes weight away from key 1."
    yield question(f"y_1 = {first:.4f} and y_2 = {second:.4f}. What is dy_1/dx_2?", -first * second, why)
    yield f"Diagonal:  dy_1/dx_1 = y_1 (1 - y_1) = {first:.4f} * {1 - first:.4f} = {first * (1 - first):.4f}."
    yield f"Off it:    dy_1/dx_2 = -y_1 y_2 = -{first:.4f} * {second:.4f} = {-first * second:.4f}."


@lesson.step("All entries: J = diag(y) - y y^T")
def the_matrix(run: Run) -> Iterator[Shown]:
    j = softmax_jacobian(run.y)
    yield formula("J = diag(y) - y y^T", "(S, S)")
    yield matrix("J", j, "weight, score", note="Positive on the diagonal, negative elsewhere.")
    yield "J is symmetric. Its rows sum to zero, because adding a constant to every score changes nothing; its columns do, because the weights always sum to one. It has no negative eigenvalue. And when y is one-hot, J is the zero matrix."
    yield agree("row-sums", "every row of J sums to 0", j.sum(axis=1), to=1e-15)
    yield agree("symmetric", "J equals its transpose", j, j.T, to=0)
    yield at_least(
        "semi-definite", "no eigenvalue of J is negative, but for rounding", -1e-15, np.linalg.eigvalsh(j).min()
    )
    yield softmax_jacobian


@lesson.step("Three roads to the same gradient")
def three_roads(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x, dy = run.x, rng.standard_normal(run.x.size)
    by_matrix, by_vector = softmax_jacobian(run.y).T @ dy, softmax_backward(dy, run.cache)
    by_nudging = numeric_gradient(lambda scores: (dy * softmax_forward(scores)[0]).sum(), x)
    roads = {"dy": dy, "J^T dy": by_matrix, "vector form": by_vector, "differences": by_nudging}
    apart = (by_nudging - by_vector) / (np.abs(by_vector).max() or 1.0)  # a one-hot row has no gradient at all
    yield "A layer is handed dy, the gradient of the loss with respect to its weights y, and owes J^T dy. J is diagonal plus rank one:"
    yield formula("dx = J^T dy = y * (dy - sum(dy * y))", "(S) and (S) -> (S)")
    yield matrix("dx for a random dy", np.stack(list(roads.values())), "road, score", tuple(roads))
    yield f"The matrix needs {x.size**2} entries for a row of {x.size}; the vector form needs one sum. For a row of 4,096 keys that is {4096**2:,} numbers against {4096:,}."
    yield agree("same", "matrix form = vector form", by_matrix, by_vector, to=1e-15)
    yield agree("numeric", "vector form = finite differences, as a share of the largest entry", apart, to=1e-8)
    yield softmax_backward


@lesson.step("A trap: dy = 1 everywhere sees nothing")
def ones_are_blind(run: Run) -> Iterator[Shown]:
    dx = softmax_backward(np.ones_like(run.x), run.cache)
    yield formula("J^T 1 = 0        the weights always sum to 1, so their sum cannot move")
    yield matrix("dx for dy = 1", dx, ", score", ("dx",))
    yield "A test that backs up from y.sum() therefore accepts any multiple of the right gradient, zero included. Every check in tfx uses a random dy."
    yield agree("blind", "dy = 1 gives a zero gradient", dx, to=1e-15)


def on_the_curve(a: float) -> dict[str, float]:
    """Top weight p, dp/da and |J| of softmax([a, a, 2a])."""
    row = measure_row(a, PATTERN, np.zeros((2, 2)), np)
    return {"a": a, "p": row["top"], "slope": row["slope"], "norm": row["jacobian"]}


@lesson.step("Saturation: softmax([a, a, 2a])")
def saturation(run: Run) -> Iterator[Shown]:
    a, five = run.a, on_the_curve(5.0)["p"]
    closed = 1 / (1 + 2 * math.exp(-a))
    curves = {"top weight p": "p", "slope dp/da": "slope"}
    grid = [0.25 * i for i in range(61)]
    yield "Take the scores [a, a, 2a]: only their gap a counts. The largest weight p and its slope have closed forms:"
    yield formula("p = 1 / (1 + 2 exp(-a))        dp/da = p (1 - p)")
    yield question(
        f"Which share does the largest of [a, a, 2a] get at a = {a:g}?", closed, "p = 1/(1 + 2 exp(-a)).", 0.01
    )
    rows = [on_the_curve(each) for each in sorted({0.0, 1.0, 2.0, 5.0, 10.0, 15.0, float(a)})]
    yield table("as a grows", rows, a="a", p="top weight :5", slope="dp/da :3", norm="||J|| :3")
    title = f"The top weight reaches {five:.3f} at a = 5, and its slope dies with it"
    drawn = lines(grid, **{label: [on_the_curve(x)[key] for x in grid] for label, key in curves.items()})
    yield Plot(title, "a", "weight, slope", drawn)
    yield f"The slope is not small everywhere: it is largest where p = 1/2, at a = ln 2 = {math.log(2):.3f}, and dies only after that."
    flat = softmax_forward(np.full(5, 1e8))[0][0]
    yield Said("Large scores saturate softmax.", "too strong", f"Only differences count: five scores of 1e8 give five weights of {flat:.1f}.", "C008")  # fmt: skip
    yield agree(
        "closed-form", f"softmax agrees with 1/(1 + 2e^-a) at a = {a:g}", on_the_curve(a)["p"], closed, to=1e-15
    )
    yield Try.here(a=8)
    yield Try("tfx experiment saturation")


@lesson.step("But with a cross-entropy on top, a wrong answer still learns")
def with_a_loss(run: Run) -> Iterator[Shown]:
    rows = []
    for gap in (1.0, 5.0, 10.0, 50.0):
        scores = np.array([gap, 0.0, 0.0])
        jacobian, gradient = softmax_jacobian(softmax_forward(scores)[0]), cross_entropy_gradient(scores, 1)
        rows.append({"gap": gap, "jacobian": float(frobenius(jacobian)), "loss": float(np.linalg.norm(gradient))})
    yield formula("L = -log y_target        dL/dx = y - onehot(target)")
    title = "scores [gap, 0, 0], target is the second: confidently wrong"
    yield table(title, rows, gap="gap", jacobian="||J|| :3", loss="||dL/dx||")
    yield "The Jacobian alone vanishes, but the loss divides by the tiny y_target and the two cancel."
    yield Said(
        "A saturated softmax has no gradient.", "too strong",
        "It has none when something else, such as a weighted sum, sits on top of it. So saturation starves an inner softmax, "
        "such as attention, and not the output layer.",
    )  # fmt: skip
    yield within("sqrt2", "||dL/dx|| -> sqrt(2)", math.sqrt(2), rows[-1]["loss"], 1e-12)
    yield cross_entropy_backward


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    yield "The Jacobian of softmax is diag(y) - y y^T: symmetric, rows summing to zero, zero for a one-hot row. The backward pass applies it as y * (dy - sum(dy * y)) without building it."
    yield "That is why saturated attention passes no gradient to queries and keys, and why attention scores are scaled. Under cross-entropy the gradient is y - target, which does not vanish when the answer is wrong."
    x = run.x + 0.1 * rng.standard_normal(run.x.shape)
    yield proof("softmax", softmax_forward, softmax_backward, {"x": x})
    yield See("scaling-variance", "the_gradient")
    yield Try("tfx experiment saturation")
    yield Try("tfx quiz softmax-jacobian")
