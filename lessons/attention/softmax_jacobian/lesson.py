"""The softmax Jacobian: derived, written out, checked three ways, and watched as it vanishes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_least, exactly, formula, lines, matrix, proof, question, setting, table, within,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.gradcheck import complex_step_derivative
from tfx.lab.attention.saturation import cross_entropy_gradient, frobenius, measure_row
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
    """s: (S,) scores, p: their softmax."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.a = settings.a
        self.s = np.array(settings.scores)
        self.p, self.cache = softmax_forward(self.s)


lesson = Lesson(Run, Settings)


@lesson.step("Softmax: every weight shares one sum")
def the_row(run: Run) -> Iterator[Shown]:
    e = np.exp(run.s - run.s.max())
    yield "A row of S scores, s, becomes S weights, p (the code calls them x and y):"
    yield formula("p_i = exp(s_i) / Z        Z = sum_j exp(s_j)", "(S) -> (S)")
    yield matrix("one row of scores", np.stack([run.s, e, run.p]), "quantity, key", ("s", "exp(s - max)", "p"))
    yield f"p_1 by hand: {e[0]:.4f} / {e.sum():.4f} = {e[0] / e.sum():.4f}. Taking off the largest score first changes no weight, and exp cannot overflow. Raise one score and Z grows, so every other weight shrinks. The derivative is a matrix, the Jacobian J: entry i, j is how weight i moves with score j."
    yield Source("Bridle", 1990, "Probabilistic Interpretation of Feedforward Classification Network Outputs")
    yield softmax_forward


@lesson.step("One entry, by the quotient rule")
def one_entry(run: Run) -> Iterator[Shown]:
    first, second = run.p[:2]
    yield "Write e_i for exp(s_i), and delta_ij for 1 where i = j and 0 elsewhere. Then p_i = e_i / Z, and the quotient rule gives:"
    yield formula("dp_i/ds_j = (delta_ij e_i Z - e_i e_j) / Z^2")
    yield formula("          = p_i (delta_ij - p_j)")
    why = "Off the diagonal delta is 0, so it is -p_1 p_2: raising score 2 takes weight away from key 1."
    yield question(f"p_1 = {first:.4f} and p_2 = {second:.4f}. What is dp_1/ds_2?", -first * second, why)  # fmt: skip
    yield f"On the diagonal: dp_1/ds_1 = p_1 (1 - p_1) = {first:.4g} * {1 - first:.4g} = {first * (1 - first):.4g}. Off it: dp_1/ds_2 = -p_1 p_2 = -{first:.4g} * {second:.4g} = {-first * second:.4g}."
    yield Try.here(scores="5,1,0")


@lesson.step("All entries: J = diag(p) - p p^T")
def the_matrix(run: Run) -> Iterator[Shown]:
    j = softmax_jacobian(run.p)
    yield formula("J = diag(p) - p p^T", "(S, S): p on the diagonal, minus all products p_i p_j")
    yield matrix("J", j, "weight, score", note="Nothing negative on the diagonal, nothing positive elsewhere.")
    yield "J is symmetric. Its rows sum to zero, because adding a constant to every score changes nothing; its columns do, because the weights always sum to one. It has no negative eigenvalue. And when p is one-hot, J is the zero matrix."
    yield agree("row-sums", "every row of J sums to 0", j.sum(axis=1), to=1e-15)
    yield agree("symmetric", "J equals its transpose", j, j.T, to=0)
    yield at_least("semi-definite", "no eigenvalue of J is negative, but for rounding", -1e-15, np.linalg.eigvalsh(j).min())  # fmt: skip
    yield softmax_jacobian


@lesson.step("Three roads to the same gradient")
def three_roads(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    s, dp = run.s, rng.standard_normal(run.s.size)
    by_matrix, by_vector = softmax_jacobian(run.p).T @ dp, softmax_backward(dp, run.cache)
    by_step = np.array([complex_step_derivative(softmax_forward, {"x": s}, "x", row, dp) for row in np.eye(s.size)])
    roads = {"dp": dp, "J^T dp": by_matrix, "vector form": by_vector, "complex step": by_step}
    yield "The layer above hands down dp, the gradient of the loss with respect to the weights; asked for is ds = J^T dp. J is diagonal minus rank one:"
    yield formula("ds = J^T dp = p * (dp - sum(dp * p))", "(S) and (S) -> (S)")
    yield matrix("ds for a random dp", np.stack(list(roads.values())), "road, score", tuple(roads))
    yield f"The matrix needs {s.size**2} entries for a row of {s.size}; the vector form needs one sum. For a row of 4,096 keys that is {4096**2:,} numbers against {4096:,}. The complex step moves a score by an imaginary h; it subtracts nothing, so it is exact even in a saturated row."
    yield agree("same", "matrix form = vector form", by_matrix, by_vector, to=1e-14)
    yield agree("numeric", "vector form = complex step through the forward", by_vector, by_step, to=1e-14)
    yield softmax_backward


@lesson.step("A trap: dp = 1 everywhere sees too little")
def ones_are_blind(run: Run) -> Iterator[Shown]:
    ds = softmax_backward(np.ones_like(run.s), run.cache)
    yield "Some test a backward by adding up the weights and going back from that sum. Then dp is 1 everywhere."
    yield formula("J^T 1 = 0        the weights always sum to 1, so their sum cannot move")
    yield matrix("ds for dp = 1", ds, ", score", ("ds",))
    yield "Such a test accepts any multiple of the right gradient, zero included. (It does catch a forgotten inner sum, which leaves p.) The gradient checks of tfx use a random dp."
    yield agree("blind", "dp = 1 gives a zero gradient", ds, to=1e-15)


def on_the_curve(a: float) -> dict[str, float]:
    """Top weight p_3, dp_3/da and the size of J of softmax([a, a, 2a])."""
    row = measure_row(a, PATTERN, np.zeros((2, 2)), np)
    return {"a": a, "p": row["top"], "slope": row["slope"], "norm": row["jacobian"]}


@lesson.step("Saturation: softmax([a, a, 2a])")
def saturation(run: Run) -> Iterator[Shown]:
    a = run.a
    closed = 1 / (1 + 2 * math.exp(-a))
    yield "In [a, a, 2a] only the gap, a >= 0, counts. The largest weight and its slope:"
    yield formula("p_3 = 1 / (1 + 2 exp(-a))        dp_3/da = p_3 (1 - p_3)")
    yield question(f"Which weight does the largest of [a, a, 2a] get at a = {a:g}?", closed, "1 / (1 + 2 exp(-a)).", 0.01)  # fmt: skip
    rows = [on_the_curve(x) for x in sorted({0.0, 1.0, 2.0, 5.0, 10.0, float(a)})]
    yield table("||J||: root of the sum of its squared entries", rows, a="a", p="p_3 :5", slope="dp_3/da :3", norm="||J|| :3")  # fmt: skip
    yield f"The slope is not small everywhere: it is largest where p_3 = 1/2, at a = ln 2 = {math.log(2):.3f}, and dies only after that."
    yield agree("closed-form", f"softmax agrees with 1/(1 + 2e^-a) at a = {a:g}", on_the_curve(a)["p"], closed, to=1e-15)  # fmt: skip
    yield Try.here(a=8)


@lesson.step("Saturation is about gaps, not about size")
def gaps_not_size(run: Run) -> Iterator[Shown]:
    five = on_the_curve(5.0)["p"]
    curves = {"top weight": "p", "slope": "slope"}
    grid = [0.25 * i for i in range(61)]
    flat = softmax_forward(np.full(5, 1e8))[0][0]
    drawn = lines(grid, **{label: [on_the_curve(x)[key] for x in grid] for label, key in curves.items()})
    yield Plot(f"The top weight reaches {five:.3f} at a = 5, and its slope dies with it", "a", "p_3, dp_3/da", drawn)
    yield "A row whose top weight is near 1 is called saturated. J is then close to the zero matrix, and of a gradient dp almost nothing comes back to the scores. It takes a large gap between scores for that."
    yield Said("Large scores saturate softmax.", "too strong", f"Only differences count: five scores of 1e8 give five weights of {flat:.1f}.", "C008")  # fmt: skip
    yield exactly("flat", "five equal scores of 1e8: the weight of each", 0.2, float(flat))
    yield Try("tfx experiment saturation")


@lesson.step("But with a cross-entropy on top, a wrong answer still learns")
def with_a_loss(run: Run) -> Iterator[Shown]:
    rows = []
    for gap in (1.0, 5.0, 10.0, 50.0):
        scores = np.array([gap, 0.0, 0.0])
        jacobian, gradient = softmax_jacobian(softmax_forward(scores)[0]), cross_entropy_gradient(scores, 1)
        rows.append({"gap": gap, "jacobian": float(frobenius(jacobian)), "loss": float(np.linalg.norm(gradient))})
    yield "Softmax is now the last layer; L is the loss, onehot(target) 1 at the target:"
    yield formula("L = -log p_target        dL/ds = p - onehot(target)")
    title = "scores [gap, 0, 0], target is the second: confidently wrong"
    yield table(title, rows, gap="gap", jacobian="||J|| :3", loss="||dL/ds||")
    yield "J vanishes, but the slope of the loss is -1/p_target, and the two cancel."
    yield Said("A saturated softmax has no gradient.", "too strong", "Almost none passes when something else, such as attention's weighted sum, sits on top of it. Under cross-entropy the gradient dies only where the answer is right.")  # fmt: skip
    yield within("sqrt2", "||dL/ds|| at gap 50 is sqrt(2)", math.sqrt(2), rows[-1]["loss"], 1e-12)
    yield cross_entropy_backward


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    yield "The Jacobian of softmax is diag(p) - p p^T: symmetric, rows summing to zero, zero for a one-hot row. The backward pass applies it as p * (dp - sum(dp * p)) without building it."
    yield "That is why a saturated row of attention passes almost no gradient to queries and keys, the reason given in 2017 for scaling the scores. Under cross-entropy the gradient is p - onehot(target), which does not vanish when the answer is wrong."
    yield proof("softmax, on random rows", softmax_forward, softmax_backward, {"x": rng.standard_normal((3, 5))})
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield See("scaling-variance", "the_gradient")
    yield Try("tfx experiment saturation")
    yield Try("tfx quiz softmax-jacobian")
