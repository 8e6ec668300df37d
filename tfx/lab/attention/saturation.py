"""How fast does softmax([a, a, 2a]) saturate, and what is left of its gradient?

With logits a * pattern the top weight is p = 1 / sum_j exp(a (x_j - x_top)), for [a, a, 2a]  p = 1 / (1 + 2 e^-a), and

    dp/da = p (x_top - sum_j p_j x_j)        row "top" of the Jacobian times the pattern; p (1 - p) for [a, a, 2a]

so p -> 1 and dp/da -> 0.  Two things it does not mean: the loss gradient need not vanish (cross-entropy contains the
matching logarithm: its gradient is p - y), and the Jacobian of a random row first grows with sharpness.
Sources: Bridle 1990 (softmax); Vaswani et al. 2017, section 3.2.1 ("extremely small gradients").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.backend import Array, to_numpy, xp_of
from tfx.errors import BadInput
from tfx.gradcheck.mistakes.ops.basics.softmax import maximum_not_subtracted
from tfx.lab.attention.saturation_plots import saturation_plots
from tfx.lab.attention.sharpened_softmax import closed_slope, closed_top_weight, logits_in_words
from tfx.lab.frame import Measured, Run
from tfx.measure.crossing import first_failure
from tfx.measure.estimates import mean_with_error
from tfx.measure.sharpness import frobenius, jacobian_norm
from tfx.measure.verdicts import at_most, largest, within
from tfx.ops.basics.softmax import softmax_backward, softmax_forward, softmax_jacobian
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.records import Check, Column, Plot, Question, Text
from tfx.settings import setting

QUESTION = "How fast does softmax([a, a, 2a]) saturate, and what is left of its gradient?"
ORDER = 2
CLAIM = (
    "A softmax saturates: a score that leads by far gets all of the weight, and next to no gradient passes back, "
    "except under cross-entropy with a wrong label."
)
BREAK_IT = ("--set pattern=1,1,1", "--set pattern=0,0,2", "--set pattern=101,101,102")

#: The a that the reader predicts at, or the nearest that is measured.
ASKED_AT = 5
#: Step of the central differences, in units of a * (largest gap of the pattern).
STEP = 1e-4


@dataclass(frozen=True)
class Settings:
    a: tuple[float, ...] = setting(
        (0, 0.25, 0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30), 0.0, 300.0, "sizes to try", at_least=3
    )
    pattern: tuple[float, ...] = setting((1, 1, 2), -1000.0, 1000.0, "the logits are a * pattern")
    random_rows: int = setting(4000, 2, 1_000_000, "normal rows that are sharpened by a")
    keys: int = setting(16, 2, 256, "scores in such a row")

    def quick(self) -> Settings:
        """An eighth of the random rows."""
        return replace(self, random_rows=max(2, self.random_rows // 8))

    def check(self) -> None:
        """Raises BadInput for a pattern that is no row of scores."""
        if not 2 <= len(self.pattern) <= 64:
            raise BadInput(f"pattern needs 2 to 64 numbers, but has {len(self.pattern)}.", "Try: --set pattern=1,1,2")

    def bytes_needed(self) -> float:
        """The Jacobians of all random rows, and what they are made from."""
        return 8.0 * self.random_rows * self.keys * (4 * self.keys + 4)


COLUMNS = (
    Column("a", "a", digits=3),
    Column("top", "largest weight", digits=7),
    Column("slope", "slope, per unit of a", digits=3),
    Column("jacobian", "Jacobian norm", digits=3, detail=True),
    Column("random_jacobian", "Jacobian norm of random rows", digits=3, detail=True),
    Column("cross_entropy", "gradient, cross-entropy", digits=4),
    Column("squared_error", "gradient, squared error", digits=3),
)


def title(run: Run[Settings]) -> str:
    return f"softmax({logits_in_words(run.settings.pattern)}): top weight, and gradients for a wrong label, as a grows"


def rows(run: Run[Settings]) -> Measured:
    """Every a sharpens the same random rows."""
    noise = run.generator().standard_normal((run.settings.random_rows, run.settings.keys))
    for a in run.over(sorted(set(run.settings.a)), "a = {:g}"):
        yield measure_row(a, run.settings.pattern, noise, run.xp)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    """Closed forms and differences, what is left of the gradients, and the overflow of bare exp."""
    rows, settings, xp = run.rows, run.settings, run.xp
    return (*curve_checks(rows, settings, xp), *gradient_checks(rows), *overflow_checks(settings, xp))


# Measuring


def measure_row(a: float, pattern: tuple[float, ...], noise: np.ndarray, xp: Any) -> dict[str, Any]:
    """One a: the softmax of a * pattern, its gradients, and the mean Jacobian norm of random rows times a."""
    shape = xp.asarray(np.array(pattern, dtype=np.float64))
    top = pattern.index(max(pattern))
    wrong = pattern.index(min(pattern)) if min(pattern) < max(pattern) else (top + 1) % len(pattern)
    weights, _ = softmax_forward(shape * a)
    jacobian = softmax_jacobian(weights)
    step = STEP / widest_gap(pattern)
    difference = (top_weight(a + step, pattern, xp) - top_weight(a - step, pattern, xp)) / (2 * step)
    random_weights, _ = softmax_forward(xp.asarray(noise * a))
    random_jacobian, random_se = mean_with_error(to_numpy(jacobian_norm(random_weights)))
    return {
        "a": float(a),
        "top": float(weights[top]),
        "slope": float((jacobian[top] * shape).sum()),
        "jacobian": float(frobenius(jacobian)),
        "random_jacobian": random_jacobian,
        "random_jacobian_se": random_se,
        "cross_entropy": norm(cross_entropy_gradient(shape * a, wrong)),
        "squared_error": norm(squared_error_gradient(shape * a, wrong)),
        "closed_top": closed_top_weight(a, pattern),
        "closed_slope": closed_slope(a, pattern),
        "difference_slope": difference,
    }


def widest_gap(pattern: Sequence[float]) -> float:
    """max - min of the pattern; at least 1, so that it can divide."""
    return max(max(pattern) - min(pattern), 1.0)


def top_weight(a: float, pattern: Sequence[float], xp: Any) -> float:
    """p by softmax_forward, float64."""
    weights, _ = softmax_forward(xp.asarray(np.array(pattern, dtype=np.float64)) * a)
    return float(weights[list(pattern).index(max(pattern))])


def cross_entropy_gradient(logits: Array, label: int) -> Array:
    """d(-log p_label)/dlogits = p - y, by the library's own backward."""
    xp = xp_of(logits)
    _, cache = cross_entropy_forward(logits[None, :], xp.asarray(np.array([label])))
    return cross_entropy_backward(1.0, cache)[0]


def squared_error_gradient(logits: Array, label: int) -> Array:
    """d(sum (p - y)^2)/dlogits: 2 (p - y) sent through the softmax, with no logarithm to undo it."""
    xp = xp_of(logits)
    weights, cache = softmax_forward(logits)
    y = (xp.arange(logits.shape[0]) == label).astype(logits.dtype)
    return softmax_backward(2.0 * (weights - y), cache)


def norm(vector: Array) -> float:
    return math.sqrt(float((vector * vector).sum()))


# Judging


def curve_checks(rows: Sequence[Mapping[str, Any]], settings: Settings, xp: Any) -> tuple[Check, ...]:
    pattern, words = settings.pattern, logits_in_words(settings.pattern)

    def worst(key: str, truth: str) -> float:
        unit = 1.0 if key == "top" else widest_gap(pattern)
        return largest(abs(row[key] - row[truth]) for row in rows) / unit

    reach = first_failure(lambda a: top_weight(a, pattern, xp) >= 0.99, 1000.0)
    return (
        within("top-weight", "p equals its closed form, worst a", 0.0, worst("top", "closed_top"), 1e-12),
        within("slope", "dp/da from the Jacobian equals its closed form", 0.0, worst("slope", "closed_slope"), 1e-12),
        within(
            "differences", "dp/da from the Jacobian equals differences", 0.0, worst("slope", "difference_slope"), 1e-6
        ),
        within("reaches-99", f"{words} gives its top key 99% from a = log 198 on", math.log(198), reach, 1e-6),
        within("fades", "dp/da is gone at the largest a", 0.0, rows[-1]["slope"], 1e-4),
    )


def gradient_checks(rows: Sequence[Mapping[str, Any]]) -> tuple[Check, ...]:
    last = rows[-1]
    random = [row["random_jacobian"] for row in rows]
    peak = int(np.argmax(random))  # the first NaN, where there is one
    rises_then_falls = 0 < peak < len(rows) - 1 and not math.isnan(random[peak])
    return (
        within(
            "cross-entropy-stays",
            "confidently wrong, the cross-entropy gradient p - y has norm sqrt(2)",
            math.sqrt(2),
            last["cross_entropy"],
            1e-3,
        ),
        at_most(
            "squared-error-fades", "... and squared error, through the Jacobian, has none", 1e-3, last["squared_error"]
        ),
        Check(
            "rises-then-falls",
            "the mean Jacobian norm of random rows first grows with a, then shrinks",
            "a peak inside the range",
            f"peak {random[peak]:.3g} at a = {rows[peak]['a']:g}",
            "none",
            rises_then_falls,
        ),
    )


def overflow_checks(settings: Settings, xp: Any) -> tuple[Check, ...]:
    """exp overflows where a * max(pattern) passes log(largest float).  Ours must still be finite there."""
    pattern = np.array(settings.pattern, dtype=np.float64)
    checks = []
    for dtype, tolerance in ((np.float64, 1e-6), (np.float32, 1e-3)):

        def naive_fails(a: float, dtype: type = dtype) -> bool:
            return not finite(maximum_not_subtracted(xp.asarray((pattern * a).astype(dtype))))

        name = np.dtype(dtype).name
        limit = math.log(float(np.finfo(dtype).max)) / 2
        measured = first_failure(naive_fails, 1000.0)
        checks.append(
            within(
                f"overflow-{name}",
                f"bare exp of {logits_in_words(settings.pattern)} overflows in {name}",
                limit,
                measured,
                tolerance,
            )
        )
    huge, _ = softmax_forward(xp.asarray(pattern * 1e6))
    checks.append(within("no-overflow", "ours sums to 1 even at a = 1e6", 1.0, float(huge.sum()), 1e-12))
    return tuple(checks)


def finite(x: Array) -> bool:
    return bool(xp_of(x).isfinite(x).all())


# Saying


def asked_at(sizes: Iterable[float]) -> float:
    return min(sizes, key=lambda a: abs(a - ASKED_AT))


def prompt(run: Run[Settings]) -> str:
    words, a = logits_in_words(run.settings.pattern), asked_at(run.settings.a)
    return f"How much of softmax({words}) goes to the largest score at a = {a:g}?"


def question(run: Run[Settings]) -> Question:
    row = run.rows[decisive(run)[0]]
    explanation = f"Its slope there is {row['slope']:.2g} per unit of a."
    return Question(prompt(run), row["top"], 0.01, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The size that was asked for."""
    sizes = [row["a"] for row in run.rows]
    return (sizes.index(asked_at(sizes)),)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    last = run.rows[-1]
    return (
        Text(
            f"At a = {last['a']:g} a wrong label still pulls with a gradient of norm {last['cross_entropy']:.4g} under "
            f"cross-entropy, but of {last['squared_error']:.1g} under squared error."
        ),
        Text(
            "The logarithm in the loss undoes the softmax (Bridle 1990). Inside attention no such logarithm follows, "
            "so a saturated row learns slowly (Vaswani et al. 2017, section 3.2.1)."
        ),
        Text(
            "Only gaps between logits count: a pattern of 101, 101, 102 gives the same weights as 1, 1, 2, and equal "
            "logits of any size give equal weights. Big scores saturate because their gaps are big."
        ),
        Text(
            "Sharper is not at once worse: at a = 0 all weights are equal and a random row has a small Jacobian, "
            "which grows until a few keys compete and shrinks when one of them has won."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return saturation_plots(run.rows, run.settings.pattern, run.settings.keys)
