"""The softmax Jacobian: derived, written out, checked three ways, and watched as it vanishes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_least, formula, lines, matrix, proof, question, setting, table, within,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.gradcheck import complex_step_derivative
from tfx.lab.saturation import cross_entropy_gradient, frobenius, measure_row
from tfx.ops.basics.softmax import softmax_backward, softmax_forward, softmax_jacobian
from tfx.ops.losses.cross_entropy import cross_entropy_backward

PATTERN = (1.0, 1.0, 2.0)


@dataclass(frozen=True)
class Settings:
    scores: tuple[float, ...] = setting((2.0, 1.0, 0.1, -1.0), -1e6, 1e6, "the row to work on, 2 to 8 numbers")
    a: float = setting(5.0, 0, 300, "where to stand on the curve of [a, a, 2a]")

    def check(self) -> None:
        if not 2 <= len(self.scores) <= 8:
            raise BadInput(f"scores must be 2 to 8 numbers, but there are {len(self.scores)}.", "Try: --set scores=2,1,0")  # fmt: skip


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
    yield "A row of S scores, x, becomes S weights, y:"
    yield formula("y_i = exp(x_i) / Z        Z = sum_k exp(x_k)", "(S) -> (S)")
    yield matrix("one row of scores", np.stack([run.x, e, run.y]), "quantity, key", ("x", "exp(x - max)", "y = softmax"))  # fmt: skip
    yield f"y_1 by hand: {e[0]:.4f} / {e.sum():.4f} = {e[0] / e.sum():.4f}. Subtracting the maximum cancels in the quotient and keeps exp from overflowing."
    yield "Raise any one score and Z grows, so every other weight must shrink: each weight depends on each score, and the derivative is a matrix, the Jacobian J."
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
    yield question(f"y_1 = {first:.4f} and y_2 = {second:.4f}. What is dy_1/dx_2?", -first * second, why)  # fmt: skip
    yield f"On the diagonal: dy_1/dx_1 = y_1 (1 - y_1) = {first:.4g} * {1 - first:.4g} = {first * (1 - first):.4g}. Off it: dy_1/dx_2 = -y_1 y_2 = -{first:.4g} * {second:.4g} = {-first * second:.4g}."


@lesson.step("All entries: J = diag(y) - y y^T")
def the_matrix(run: Run) -> Iterator[Shown]:
    j = softmax_jacobian(run.y)
    yield formula("J = diag(y) - y y^T", "(S, S): y on the diagonal, minus all products y_i y_j")
    yield matrix("J", j, "weight, score", note="Nothing negative on the diagonal, nothing positive elsewhere.")
    yield "J is symmetric. Its rows sum to zero, because adding a constant to every score changes nothing; its columns do, because the weights always sum to one. It has no negative eigenvalue. And when y is one-hot, J is the zero matrix."
    yield agree("row-sums", "every row of J sums to 0", j.sum(axis=1), to=1e-15)
    yield agree("symmetric", "J equals its transpose", j, j.T, to=0)
    yield at_least("semi-definite", "no eigenvalue of J is negative, but for rounding", -1e-15, np.linalg.eigvalsh(j).min())  # fmt: skip
    yield softmax_jacobian


@lesson.step("Three roads to the same gradient")
def three_roads(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x, dy = run.x, rng.standard_normal(run.x.size)
    by_matrix, by_vector = softmax_jacobian(run.y).T @ dy, softmax_backward(dy, run.cache)
    by_step = np.array([complex_step_derivative(softmax_forward, {"x": x}, "x", row, dy) for row in np.eye(x.size)])
    roads = {"dy": dy, "J^T dy": by_matrix, "vector form": by_vector, "complex step": by_step}
    yield "A layer is handed dy, the gradient of the loss with respect to its weights y, and owes J^T dy. J is diagonal minus rank one:"
    yield formula("dx = J^T dy = y * (dy - sum(dy * y))", "(S) and (S) -> (S)")
    yield matrix("dx for a random dy", np.stack(list(roads.values())), "road, score", tuple(roads))
    yield f"The matrix needs {x.size**2} entries for a row of {x.size}; the vector form needs one sum. For a row of 4,096 keys that is {4096**2:,} numbers against {4096:,}. The complex step moves a score by an imaginary h; it subtracts nothing, so it is exact even in a saturated row."
    yield agree("same", "matrix form = vector form", by_matrix, by_vector, to=1e-14)
    yield agree("numeric", "vector form = complex step through the forward", by_vector, by_step, to=1e-14)
    yield softmax_backward


@lesson.step("A trap: dy = 1 everywhere sees too little")
def ones_are_blind(run: Run) -> Iterator[Shown]:
    dx = softmax_backward(np.ones_like(run.x), run.cache)
    yield formula("J^T 1 = 0        the weights always sum to 1, so their sum cannot move")
    yield matrix("dx for dy = 1", dx, ", score", ("dx",))
    yield "A test that backs up from y.sum() therefore accepts any multiple of the right gradient, zero included. (It does catch a forgotten inner sum, which leaves y.) The gradient checks of tfx use a random dy."
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
    yield "Take the scores [a, a, 2a]: only their gap, a >= 0, counts. The largest weight p and its slope have closed forms:"
    yield formula("p = 1 / (1 + 2 exp(-a))        dp/da = p (1 - p)")
    yield question(f"Which weight does the largest of [a, a, 2a] get at a = {a:g}?", closed, "p = 1/(1 + 2 exp(-a)).", 0.01)  # fmt: skip
    rows = [on_the_curve(x) for x in sorted({0.0, 1.0, 2.0, 5.0, 10.0, 15.0, float(a)})]
    yield table("||J||: root of the sum of its squared entries", rows, a="a", p="top weight :5", slope="dp/da :3", norm="||J|| :3")  # fmt: skip
    title = f"The top weight reaches {five:.3f} at a = 5, and its slope dies with it"
    drawn = lines(grid, **{label: [on_the_curve(x)[key] for x in grid] for label, key in curves.items()})
    yield Plot(title, "a", "weight, slope", drawn)
    yield f"The slope is not small everywhere: it is largest where p = 1/2, at a = ln 2 = {math.log(2):.3f}, and dies only after that."
    flat = softmax_forward(np.full(5, 1e8))[0][0]
    yield Said("Large scores saturate softmax.", "too strong", f"Only differences count: five scores of 1e8 give five weights of {flat:.1f}.", "C008")  # fmt: skip
    yield agree("closed-form", f"softmax agrees with 1/(1 + 2e^-a) at a = {a:g}", on_the_curve(a)["p"], closed, to=1e-15)  # fmt: skip
    yield Try.here(a=8)
    yield Try("tfx experiment saturation")


@lesson.step("But with a cross-entropy on top, a wrong answer still learns")
def with_a_loss(run: Run) -> Iterator[Shown]:
    rows = []
    for gap in (1.0, 5.0, 10.0, 50.0):
        scores = np.array([gap, 0.0, 0.0])
        jacobian, gradient = softmax_jacobian(softmax_forward(scores)[0]), cross_entropy_gradient(scores, 1)
        rows.append({"gap": gap, "jacobian": float(frobenius(jacobian)), "loss": float(np.linalg.norm(gradient))})
    yield "Softmax is now the last layer; L is the loss, onehot(target) 1 at the target:"
    yield formula("L = -log y_target        dL/dx = y - onehot(target)")
    title = "scores [gap, 0, 0], target is the second: confidently wrong"
    yield table(title, rows, gap="gap", jacobian="||J|| :3", loss="||dL/dx||")
    yield "J vanishes, but the slope of the loss is -1/y_target, and the two cancel."
    yield Said("A saturated softmax has no gradient.", "too strong", "Almost none passes when something else, such as attention's weighted sum, sits on top of it. Under cross-entropy the gradient dies only where the answer is right.")  # fmt: skip
    yield within("sqrt2", "||dL/dx|| at gap 50 is sqrt(2)", math.sqrt(2), rows[-1]["loss"], 1e-12)
    yield cross_entropy_backward


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    yield "The Jacobian of softmax is diag(y) - y y^T: symmetric, rows summing to zero, zero for a one-hot row. The backward pass applies it as y * (dy - sum(dy * y)) without building it."
    yield "That is why a saturated row of attention passes almost no gradient to queries and keys, the reason given in 2017 for scaling the scores. Under cross-entropy the gradient is y - onehot(target), which does not vanish when the answer is wrong."
    yield proof("softmax, on random rows", softmax_forward, softmax_backward, {"x": rng.standard_normal((3, 5))})
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield See("scaling-variance", "the_gradient")
    yield Try("tfx experiment saturation")
    yield Try("tfx quiz softmax-jacobian")
