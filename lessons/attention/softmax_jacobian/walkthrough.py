"""The softmax Jacobian, derived, written out, checked three ways, and watched as it vanishes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.course import Request
from tfx.errors import BadInput
from tfx.ops.basics.softmax import softmax_backward, softmax_forward, softmax_jacobian, softmax_jacobian_norm
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Plot, Question, Series, Step, Table, Text


@dataclass(frozen=True)
class Settings:
    """scores: the row to work on (2 to 8 numbers); a: where to stand on the [a, a, 2a] curve."""

    scores: tuple[float, ...] = (2.0, 1.0, 0.1, -1.0)
    a: float = 5.0


def walkthrough(request: Request) -> Iterator[Step]:
    """Seven steps from one row of scores to its vanishing derivative."""
    settings: Settings = request.settings
    x = _row(settings.scores)
    rng = np.random.default_rng(request.seed)
    y, _ = softmax_forward(x)
    names = tuple(str(i + 1) for i in range(x.size))
    yield _the_row(x, y, names)
    yield _one_entry(y)
    yield _the_matrix(y, names)
    yield _three_ways(x, rng)
    yield _ones_are_blind(x)
    yield _saturation(settings.a)
    yield _with_a_loss()
    yield _closing(x, rng)


def values() -> dict[str, object]:
    """The numbers that lesson.md shows."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(7)
    dy = rng.standard_normal(7)
    y, cache = softmax_forward(x)
    return {
        "n": x.size,
        "worst": float(np.abs(softmax_jacobian(y).T @ dy - softmax_backward(dy, cache)).max()),
        "p1": top_weight(1.0),
        "p5": top_weight(5.0),
        "p10": top_weight(10.0),
        "slope10": float(_slope(10.0)),
        "flat": float(softmax_forward(np.full(5, 1e8))[0][0]),
        "wrong_norm": _cross_entropy_gradient_norm(50.0),
    }


def numeric_jacobian(x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """(n,) scores -> (n, n) with [i, j] = dy_i/dx_j by central differences: nudge one score, watch every weight."""
    columns = []
    for j in range(x.size):
        nudge = np.zeros_like(x)
        nudge[j] = step
        columns.append((softmax_forward(x + nudge)[0] - softmax_forward(x - nudge)[0]) / (2 * step))
    return np.stack(columns, axis=1)


def top_weight(a: float) -> float:
    """The largest weight of softmax([a, a, 2a])."""
    return float(softmax_forward(np.array([a, a, 2 * a]))[0][2])


def _slope(a: float) -> float:
    """d(top weight)/da through the Jacobian: the scores move as (1, 1, 2)."""
    y, _ = softmax_forward(np.array([a, a, 2 * a]))
    return float(softmax_jacobian(y)[2] @ np.array([1.0, 1.0, 2.0]))


def _cross_entropy_gradient_norm(gap: float) -> float:
    """||dlogits|| when the model is sure, by `gap`, of a wrong answer."""
    logits = np.array([[gap, 0.0, 0.0]])
    _, cache = cross_entropy_forward(logits, np.array([1]))
    return float(np.linalg.norm(cross_entropy_backward(1.0, cache)))


def _row(scores: tuple[float, ...]) -> np.ndarray:
    if not 2 <= len(scores) <= 8 or not all(math.isfinite(s) for s in scores):
        raise BadInput(
            "scores must be 2 to 8 finite numbers joined by commas.",
            "For example: tfx explain softmax-jacobian --set scores=2,1,0.1",
        )
    return np.array(scores)


def _the_row(x: np.ndarray, y: np.ndarray, names: tuple[str, ...]) -> Step:
    e = np.exp(x - x.max())
    return Step(
        "Softmax: every output shares one sum",
        (
            Formula("y_i = exp(x_i) / Z        Z = sum_k exp(x_k)", "(S) -> (S)"),
            Matrix(
                "one row of scores",
                np.stack([x, e, y]),
                ("quantity", "key"),
                ("x", "exp(x - max)", "y = softmax"),
                names,
            ),
            Text(
                f"y_1 by hand: {e[0]:.4f} / {e.sum():.4f} = {e[0] / e.sum():.4f}. Subtracting the maximum cancels in "
                "the quotient and keeps exp from overflowing."
            ),
            Text("Raise any one score and Z grows, so every other weight must shrink: the derivative is a matrix."),
            Code(softmax_forward),
        ),
        ("tfx explain softmax-jacobian --set scores=5,1,0",),
    )


def _one_entry(y: np.ndarray) -> Step:
    return Step(
        "One entry, by the quotient rule",
        (
            Formula("dy_i/dx_j = (delta_ij e_i Z - e_i e_j) / Z^2"),
            Formula("          = y_i (delta_ij - y_j)"),
            Question(
                f"y_1 = {y[0]:.4f} and y_2 = {y[1]:.4f}. What is dy_1/dx_2?",
                float(-y[0] * y[1]),
                0.02,
                "Off the diagonal delta is 0, so it is -y_1 y_2: raising score 2 takes weight away from key 1.",
            ),
            Text(f"Diagonal:  dy_1/dx_1 = y_1 (1 - y_1) = {y[0]:.4f} * {1 - y[0]:.4f} = {y[0] * (1 - y[0]):.4f}."),
            Text(f"Off it:    dy_1/dx_2 = -y_1 y_2 = -{y[0]:.4f} * {y[1]:.4f} = {-y[0] * y[1]:.4f}."),
        ),
    )


def _the_matrix(y: np.ndarray, names: tuple[str, ...]) -> Step:
    jacobian = softmax_jacobian(y)
    row_sum = float(np.abs(jacobian.sum(axis=1)).max())
    asymmetry = float(np.abs(jacobian - jacobian.T).max())
    lowest = float(np.linalg.eigvalsh(jacobian).min())
    return Step(
        "All entries: J = diag(y) - y y^T",
        (
            Formula("J = diag(y) - y y^T", "(S, S)"),
            Matrix("J", jacobian, ("weight", "score"), names, names, "Positive on the diagonal, negative elsewhere."),
            Check("row-sums", "every row of J sums to 0", 0.0, row_sum, "1e-15", row_sum <= 1e-15),
            Check("symmetric", "J equals its transpose", 0.0, asymmetry, "0", asymmetry == 0),
            Check("semi-definite", "no eigenvalue of J is negative", 0.0, lowest, ">= -1e-15", lowest >= -1e-15),
            Code(softmax_jacobian),
        ),
    )


def _three_ways(x: np.ndarray, rng: np.random.Generator) -> Step:
    y, cache = softmax_forward(x)
    dy = rng.standard_normal(x.size)
    by_matrix = softmax_jacobian(y).T @ dy
    by_vector = softmax_backward(dy, cache)
    by_nudging = numeric_jacobian(x).T @ dy
    gap = float(np.abs(by_matrix - by_vector).max())
    numeric_gap = float(np.abs(by_nudging - by_vector).max() / np.abs(by_vector).max())
    return Step(
        "Three roads to the same gradient",
        (
            Formula("dx = J^T dy = y * (dy - sum(dy * y))", "(S) and (S) -> (S)"),
            Matrix(
                "dx for a random dy",
                np.stack([dy, by_matrix, by_vector, by_nudging]),
                ("road", "score"),
                ("dy", "J^T dy", "vector form", "differences"),
                tuple(str(i + 1) for i in range(x.size)),
            ),
            Text(
                f"The matrix needs {x.size**2} entries for a row of {x.size}; the vector form needs one sum. "
                f"For a row of 4,096 keys that is {4096**2:,} numbers against 4,096."
            ),
            Check("same", "matrix form = vector form", 0.0, gap, "1e-15", gap <= 1e-15),
            Check(
                "numeric",
                "vector form = finite differences",
                0.0,
                numeric_gap,
                "1e-8 of the largest",
                numeric_gap <= 1e-8,
            ),
            Code(softmax_backward),
        ),
    )


def _ones_are_blind(x: np.ndarray) -> Step:
    _, cache = softmax_forward(x)
    ones = softmax_backward(np.ones_like(x), cache)
    worst = float(np.abs(ones).max())
    return Step(
        "A trap: dy = 1 everywhere sees nothing",
        (
            Formula("J^T 1 = 0        the weights always sum to 1, so their sum cannot move"),
            Matrix("dx for dy = 1", ones[None, :], ("", "score"), ("dx",), tuple(str(i + 1) for i in range(x.size))),
            Text(
                "A test that backs up from y.sum() therefore accepts any multiple of the right gradient, zero "
                "included. Every check in tfx uses a random dy."
            ),
            Check("blind", "dy = 1 gives a zero gradient", 0.0, worst, "1e-15", worst <= 1e-15),
        ),
    )


def _saturation(a: float) -> Step:
    if not -50 <= a <= 300:
        raise BadInput(f"a must lie between -50 and 300, but is {a:g}.", "For example: --set a=5")
    grid = np.linspace(0, 15, 61)
    stops = sorted({0.0, 1.0, 2.0, 5.0, 10.0, 15.0, float(a)})
    rows = []
    for stop in stops:
        y, _ = softmax_forward(np.array([stop, stop, 2 * stop]))
        rows.append(
            {
                "a": stop,
                "p": float(y[2]),
                "slope": _slope(stop),
                "norm": float(softmax_jacobian_norm(y)),
            }
        )
    closed = 1 / (1 + 2 * math.exp(-a))
    gap = abs(closed - top_weight(a))
    return Step(
        "Saturation: softmax([a, a, 2a])",
        (
            Formula("p = 1 / (1 + 2 exp(-a))        dp/da = p (1 - p)"),
            Question(
                f"Which share does the largest of [a, a, 2a] get at a = {a:g}?", closed, 0.01, "p = 1/(1 + 2 exp(-a))."
            ),
            Table(
                "as a grows",
                (
                    Column("a", "a"),
                    Column("p", "top weight", digits=5),
                    Column("slope", "dp/da", digits=3),
                    Column("norm", "||J||", digits=3),
                ),
                tuple(rows),
            ),
            Plot(
                f"The top weight reaches {top_weight(5.0):.3f} at a = 5, and its slope dies with it",
                "a",
                "weight, slope",
                (
                    Series("top weight p", list(grid), [top_weight(g) for g in grid], kind="line"),
                    Series("slope dp/da", list(grid), [_slope(g) for g in grid], kind="line"),
                ),
            ),
            Text(
                f"The slope is not small everywhere: it is largest where p = 1/2, at a = ln 2 = {math.log(2):.3f}, "
                "and dies only after that."
            ),
            Check(
                "closed-form",
                f"softmax agrees with 1/(1 + 2e^-a) at a = {a:g}",
                closed,
                closed - gap,
                "1e-15",
                gap <= 1e-15,
            ),
        ),
        ("tfx explain softmax-jacobian --step 6 --set a=8", "tfx experiment saturation"),
    )


def _with_a_loss() -> Step:
    rows = []
    for gap in (1.0, 5.0, 10.0, 50.0):
        y, _ = softmax_forward(np.array([gap, 0.0, 0.0]))
        rows.append(
            {
                "gap": gap,
                "jacobian": float(softmax_jacobian_norm(y)),
                "loss": _cross_entropy_gradient_norm(gap),
            }
        )
    last = rows[-1]["loss"]
    return Step(
        "But with a cross-entropy on top, a wrong answer still learns",
        (
            Formula("L = -log y_target        dL/dx = y - onehot(target)"),
            Table(
                "scores [gap, 0, 0], target is the second: confidently wrong",
                (
                    Column("gap", "gap"),
                    Column("jacobian", "||J||", digits=3),
                    Column("loss", "||dL/dx||", digits=4),
                ),
                tuple(rows),
            ),
            Text(
                "The Jacobian alone vanishes, but the loss divides by the tiny y_target and the two cancel. So "
                "saturation starves an inner softmax, such as attention, and not the output layer."
            ),
            Check("sqrt2", "||dL/dx|| -> sqrt(2)", math.sqrt(2), last, "1e-12", abs(last - math.sqrt(2)) <= 1e-12),
            Code(cross_entropy_backward),
        ),
    )


def _closing(x: np.ndarray, rng: np.random.Generator) -> Step:
    from tfx.gradcheck import check_gradients

    report = check_gradients(softmax_forward, softmax_backward, {"x": x + 0.1 * rng.standard_normal(x.shape)}, seed=0)
    return Step(
        "Say it in an interview",
        (
            Text(
                "The Jacobian of softmax is diag(y) - y y^T: symmetric, rows summing to zero, zero for a one-hot row. "
                "The backward pass applies it as y * (dy - sum(dy * y)) without building it."
            ),
            Text(
                "That is why saturated attention passes no gradient to queries and keys, and why attention scores are "
                "scaled. Under cross-entropy the gradient is y - target, which does not vanish when the answer is "
                "wrong."
            ),
            Check("gradcheck", "gradient check of softmax", 0.0, report.worst, "1e-9 relative", report.worst <= 1e-9),
        ),
        ("tfx experiment saturation", "tfx quiz softmax-jacobian"),
    )
