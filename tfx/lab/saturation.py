"""How fast does softmax([a, a, 2a]) saturate, and what is left of its gradient?

With logits a * pattern the top weight is p = 1 / sum_j exp(a (x_j - x_top)), for [a, a, 2a]  p = 1 / (1 + 2 e^-a), and

    dp/da = p (x_top - sum_j p_j x_j)        row "top" of the Jacobian times the pattern; p (1 - p) for [a, a, 2a]

so p -> 1 and dp/da -> 0.  Two things it does not mean: the loss gradient need not vanish (cross-entropy contains the
matching logarithm: its gradient is p - y), and the Jacobian of a random row first grows with sharpness.
Sources: Bridle 1990 (softmax); Vaswani et al. 2017, section 3.2.1 ("extremely small gradients").
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tfx.backend import Array, device_module, to_numpy, xp_of
from tfx.gradcheck.mistakes.ops.basics.softmax import naive_softmax
from tfx.lab import Progress, silent
from tfx.lab.saturation_findings import closed_slope, closed_top_weight, logits_in_words, notes, plots
from tfx.measure.estimates import mean_with_error
from tfx.measure.limits import generator, require_all_in_range, require_range
from tfx.measure.verdicts import at_most, within
from tfx.ops.basics.softmax import softmax_backward, softmax_forward, softmax_jacobian
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.records import Check, Column, Result

#: Step of the central differences, in units of a * (largest gap of the pattern).
STEP = 1e-4


@dataclass(frozen=True)
class Settings:
    """a: the sizes to try; pattern: the logits are a * pattern; random_rows, keys: normal rows sharpened by a."""

    a: tuple[float, ...] = (0, 0.25, 0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30)
    pattern: tuple[float, ...] = (1, 1, 2)
    random_rows: int = 4000
    keys: int = 16


COLUMNS = (
    Column("a", "a", digits=3),
    Column("top", "top weight p", digits=7),
    Column("slope", "dp/da", digits=3),
    Column("jacobian", "|J|", digits=3),
    Column("random_jacobian", "|J| random rows", digits=3),
    Column("cross_entropy", "gradient, cross-entropy", digits=4),
    Column("squared_error", "gradient, squared error", digits=3),
)


def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent) -> Result:
    """Follows the curve, judges it against closed forms and differences, and looks for the overflow of bare exp."""
    check_settings(settings)
    if quick:
        settings = replace(settings, random_rows=max(2, settings.random_rows // 8))
    xp = device_module(device)
    start = time.perf_counter()
    noise = generator(seed).standard_normal((settings.random_rows, settings.keys))
    rows = []
    sizes = sorted(set(settings.a))
    for i, a in enumerate(sizes):
        progress(i, len(sizes), f"a = {a:g}")
        rows.append(measure_row(a, settings.pattern, noise, xp))
    checks = (*curve_checks(rows, settings, xp), *gradient_checks(rows, settings, xp), *overflow_checks(settings, xp))
    progress(len(sizes), len(sizes), "done")
    return Result(
        name="saturation",
        title=f"softmax({logits_in_words(settings.pattern)}): weight and gradient as a grows",
        seed=seed,
        params={**asdict(settings), "quick": quick, "device": device},
        columns=COLUMNS,
        rows=tuple(rows),
        checks=checks,
        plots=plots(rows, settings),
        notes=notes(rows, settings),
        break_it=("--set pattern=1,1,1", "--set pattern=0,0,2", "--set pattern=101,101,102"),
        elapsed_s=time.perf_counter() - start,
    )


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting out of range."""
    require_all_in_range("a", settings.a, 0, 300, at_least=3)
    require_all_in_range("pattern", settings.pattern, -1000, 1000)
    require_range("number of pattern entries", len(settings.pattern), 2, 64)
    require_range("random_rows", settings.random_rows, 2, 1_000_000)
    require_range("keys", settings.keys, 2, 256)


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
    random_jacobian, random_se = mean_with_error(to_numpy(frobenius(softmax_jacobian(random_weights))))
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


def frobenius(matrix: Array) -> Array:
    """(..., S, S) -> (...,)"""
    return xp_of(matrix).sqrt((matrix * matrix).sum(axis=(-2, -1)))


def norm(vector: Array) -> float:
    return math.sqrt(float((vector * vector).sum()))


def first_failure(fails: Callable[[float], bool], high: float) -> float:
    """The smallest a in (0, high] for which `fails`, by bisection to 1e-9; NaN when even `high` does not fail."""
    if not fails(high):
        return math.nan
    low = 0.0
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if fails(middle) else (middle, high)
    return high


# Judging


def curve_checks(rows: Sequence[Mapping[str, Any]], settings: Settings, xp: Any) -> tuple[Check, ...]:
    pattern = settings.pattern

    def worst(key: str, truth: str) -> float:
        unit = 1.0 if key == "top" else widest_gap(pattern)
        return max(abs(row[key] - row[truth]) for row in rows) / unit

    reach = first_failure(lambda a: top_weight(a, pattern, xp) >= 0.99, 1000.0)
    return (
        within("top-weight", "p equals its closed form, worst a", 0.0, worst("top", "closed_top"), 1e-12),
        within("slope", "dp/da from the Jacobian equals its closed form", 0.0, worst("slope", "closed_slope"), 1e-12),
        within(
            "differences", "dp/da from the Jacobian equals differences", 0.0, worst("slope", "difference_slope"), 1e-6
        ),
        within("reaches-99", "[a, a, 2a] gives its top key 99% from a = log 198 on", math.log(198), reach, 1e-6),
        within("fades", "dp/da is gone at the largest a", 0.0, rows[-1]["slope"], 1e-4),
    )


def gradient_checks(rows: Sequence[Mapping[str, Any]], settings: Settings, xp: Any) -> tuple[Check, ...]:
    last = rows[-1]
    random = [row["random_jacobian"] for row in rows]
    peak = random.index(max(random))
    rises_then_falls = 0 < peak < len(rows) - 1
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
            return not finite(naive_softmax(xp.asarray((pattern * a).astype(dtype))))

        name = np.dtype(dtype).name
        limit = math.log(float(np.finfo(dtype).max)) / 2
        measured = first_failure(naive_fails, 1000.0)
        checks.append(
            within(f"overflow-{name}", f"bare exp of [a, a, 2a] overflows in {name}", limit, measured, tolerance)
        )
    huge, _ = softmax_forward(xp.asarray(pattern * 1e6))
    checks.append(within("no-overflow", "ours sums to 1 even at a = 1e6", 1.0, float(huge.sum()), 1e-12))
    return tuple(checks)


def finite(x: Array) -> bool:
    return bool(xp_of(x).isfinite(x).all())
