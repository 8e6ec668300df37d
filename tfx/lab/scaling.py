"""Why divide by sqrt(d_k)?  The variance of q.k against d_k, and what it does to the softmax.

For every d_k many independent pairs give Var(q.k) with its standard error, before and after the scale; some rows of
`keys` scores each give entropy, top weight and Jacobian norm of their softmax.  The claim under test is footnote 4
of Vaswani et al. 2017, section 3.2.1: with independent coordinates of mean 0 and variance 1, Var(q.k) = d_k.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tfx.backend import Array, device_module, to_numpy, xp_of
from tfx.lab import Progress, silent
from tfx.lab.scaling_findings import notes, plots
from tfx.lab.vectors import KURTOSIS, Flaws, draw_queries_and_keys
from tfx.measure.estimates import mean_with_error, variance_with_error
from tfx.measure.limits import generator, require_all_in_range, require_choice, require_range
from tfx.measure.verdicts import at_least, at_most, within
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.entropy import entropy
from tfx.ops.basics.softmax import softmax_forward, softmax_jacobian
from tfx.records import Check, Column, Result

#: Numbers in memory at a time (float32, so 2 MiB).
CHUNK = 1 << 19
#: How far a measured variance may lie from its law, in standard errors.
TOLERANCE_SE = 4.0
#: Scaled scores of different d_k are not equal in shape, only in variance: their entropy may differ by this much.
FLATNESS = 0.1


@dataclass(frozen=True)
class Settings:
    """pairs: of q and k per row at most; budget: coordinates of q drawn per row at most, which limits wide rows.

    mean, correlation, rank, distribution: see tfx.lab.vectors.  scale: in the place of 1/sqrt(d_k).
    softmax_rows, keys: how many rows of how many scores go through the softmax.
    """

    d_k: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
    pairs: int = 200_000
    budget: int = 16_000_000
    softmax_rows: int = 400
    keys: int = 16
    mean: float = 0.0
    correlation: float = 0.0
    rank: int | None = None
    distribution: str = "normal"
    scale: float | None = None

    @property
    def flaws(self) -> Flaws:
        return Flaws(self.mean, self.correlation, self.rank, self.distribution)


COLUMNS = (
    Column("d_k", "d_k"),
    Column("variance", "Var(q.k)"),
    Column("variance_se", "+- s.e.", digits=2),
    Column("ratio", "Var/d_k"),
    Column("scaled_variance", "Var after scale"),
    Column("scaled_variance_se", "+- s.e.", digits=2),
    Column("top_raw", "top weight raw", digits=3),
    Column("top_scaled", "top weight scaled", digits=3),
    Column("entropy_raw", "entropy raw", "of log S", digits=3),
    Column("entropy_scaled", "entropy scaled", "of log S", digits=3),
    Column("jacobian_raw", "|J| raw", digits=3),
    Column("jacobian_scaled", "|J| scaled", digits=3),
    Column("law", "Var by theory"),
    Column("pairs", "pairs"),
)


def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent) -> Result:
    """Measures every d_k.  Random numbers come from NumPy and are then moved, so every device sees the same ones."""
    check_settings(settings)
    if quick:
        settings = replace(
            settings,
            pairs=max(100, settings.pairs // 4),
            budget=max(100, settings.budget // 4),
            softmax_rows=max(2, settings.softmax_rows // 4),
        )
    xp = device_module(device)
    start = time.perf_counter()
    rows = []
    widths = sorted(set(settings.d_k))
    for i, d_k in enumerate(widths):
        progress(i, len(widths), f"d_k = {d_k}")
        rows.append(measure_row(settings, seed, d_k, xp))
    checks = (*variance_checks(rows, settings), *softmax_checks(rows), attention_check(widths, seed, xp))
    progress(len(widths), len(widths), "done")
    return Result(
        name="scaling",
        title="Variance of q.k against d_k",
        seed=seed,
        params={**asdict(settings), "quick": quick, "device": device},
        columns=COLUMNS,
        rows=tuple(rows),
        checks=checks,
        plots=plots(rows, settings),
        notes=notes(checks, settings),
        break_it=("--set mean=0.5", "--set correlation=0.5", "--set rank=4", "--set scale=1"),
        elapsed_s=time.perf_counter() - start,
    )


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting out of range."""
    require_all_in_range("d_k", settings.d_k, 1, 65_536)
    require_range("pairs", settings.pairs, 100, 10_000_000)
    require_range("budget", settings.budget, 100, 1_000_000_000)
    require_range("softmax_rows", settings.softmax_rows, 2, 100_000)
    require_range("keys", settings.keys, 2, 1024)
    require_range("mean", settings.mean, -100, 100)
    require_range("correlation", settings.correlation, -1, 1)
    if settings.rank is not None:
        require_range("rank", settings.rank, 1, 65_536)
    require_choice("distribution", settings.distribution, tuple(KURTOSIS))
    if settings.scale is not None:
        require_range("scale", settings.scale, -1e6, 1e6)


# Measuring


def measure_row(settings: Settings, seed: int, d_k: int, xp: Any) -> dict[str, Any]:
    """All numbers of one d_k.  Its random numbers depend on the seed and d_k only, not on the other rows."""
    scale = 1.0 / math.sqrt(d_k) if settings.scale is None else settings.scale
    pairs = min(settings.pairs, max(100, settings.budget // d_k))
    raw = gather(dot_products(generator(seed, d_k, 0), settings.flaws, pairs, 1, d_k, xp))
    variance, variance_se = variance_with_error(raw)
    scaled_variance, scaled_variance_se = variance_with_error(raw * scale)
    row: dict[str, Any] = {
        "d_k": d_k,
        "variance": variance,
        "variance_se": variance_se,
        "ratio": variance / d_k,
        "scaled_variance": scaled_variance,
        "scaled_variance_se": scaled_variance_se,
        "law": settings.flaws.variance_of_dot(d_k),
        "pairs": pairs,
    }
    scores = gather(
        dot_products(generator(seed, d_k, 1), settings.flaws, settings.softmax_rows, settings.keys, d_k, xp)
    )
    for name, factor in (("raw", 1.0), ("scaled", scale)):
        for key, per_row in softmax_shape(xp.asarray(scores * factor)).items():
            row[f"{key}_{name}"], row[f"{key}_{name}_se"] = mean_with_error(to_numpy(per_row))
    return row


def dot_products(rng: np.random.Generator, flaws: Flaws, n: int, n_keys: int, d_k: int, xp: Any) -> Iterator[Array]:
    """Yields q.k in pieces (some, n_keys), n rows in all.  A plain sum: BLAS may add in an order that depends on
    its number of threads, and the same seed must give the same bytes."""
    at_once = max(1, CHUNK // (d_k * (1 + n_keys)))
    for done in range(0, n, at_once):
        q, k = draw_queries_and_keys(rng, flaws, min(at_once, n - done), n_keys, d_k)
        yield (xp.asarray(q) * xp.asarray(k)).sum(axis=-1)


def gather(pieces: Iterator[Array]) -> np.ndarray:
    """Joins the pieces on the host, in float64, so that the moments lose nothing."""
    return np.concatenate([to_numpy(piece).astype(np.float64) for piece in pieces])


def softmax_shape(scores: Array) -> dict[str, Array]:
    """scores: (N, S) -> top weight, entropy as a share of log S, and Frobenius norm of the Jacobian, each (N,)."""
    xp = xp_of(scores)
    weights, _ = softmax_forward(scores)
    jacobian = softmax_jacobian(weights)
    return {
        "top": weights.max(axis=-1),
        "entropy": entropy(weights) / math.log(scores.shape[-1]),
        "jacobian": xp.sqrt((jacobian * jacobian).sum(axis=(-2, -1))),
    }


# Judging


def distance_in_se(measured: float, law: float, se: float) -> float:
    """|measured - law| in standard errors; a difference that float32 rounding explains counts as none."""
    difference = abs(measured - law)
    if difference <= 1e-6 * max(law, measured, 1e-300):
        return 0.0
    return difference / se if se > 0 else math.inf


def worst_distance(rows: Sequence[Mapping[str, Any]], key: str, laws: Sequence[float]) -> float:
    return max(distance_in_se(row[key], law, row[key + "_se"]) for row, law in zip(rows, laws, strict=True))


def variance_checks(rows: Sequence[Mapping[str, Any]], settings: Settings) -> tuple[Check, ...]:
    worst_raw = worst_distance(rows, "variance", [row["d_k"] for row in rows])
    worst_scaled = worst_distance(rows, "scaled_variance", [1.0] * len(rows))
    worst_law = worst_distance(rows, "variance", [row["law"] for row in rows])
    scale = "q.k / sqrt(d_k)" if settings.scale is None else f"{settings.scale:g} q.k"
    return (
        within("raw-variance", "Var(q.k) = d_k, worst row in s.e.", 0.0, worst_raw, TOLERANCE_SE),
        within("scaled-variance", f"Var({scale}) = 1, worst row in s.e.", 0.0, worst_scaled, TOLERANCE_SE),
        within("law", f"law here, {settings.flaws.law_in_words()}: worst row in s.e.", 0.0, worst_law, TOLERANCE_SE),
    )


def softmax_checks(rows: Sequence[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Raw rows sharpen as d_k grows, scaled rows do not; one row alone has nothing to be compared with."""
    if len(rows) < 2:
        return ()
    first, last = rows[0], rows[-1]
    growth = last["top_raw"] - first["top_raw"]
    bound = max(0.01, TOLERANCE_SE * math.hypot(last["top_raw_se"], first["top_raw_se"]))
    entropies = [row["entropy_scaled"] for row in rows]
    return (
        at_least("raw-sharpens", f"raw top weight grows from d_k = {first['d_k']} to {last['d_k']}", bound, growth),
        at_most("scaled-stays", "scaled entropy varies little over d_k", FLATNESS, max(entropies) - min(entropies)),
    )


def attention_check(widths: Sequence[int], seed: int, xp: Any) -> Check:
    """attention_forward must turn the very scores measured here into its weights, but for rounding: it scales the
    queries before the product, and here the product is scaled."""
    worst = 0.0
    for d_k in widths:
        rng = generator(seed, d_k, 2)
        q = xp.asarray(rng.integers(-2, 3, (1, d_k)).astype(np.float64))
        k = xp.asarray(rng.integers(-2, 3, (5, d_k)).astype(np.float64))
        _, cache = attention_forward(q, k, k)
        here, _ = softmax_forward((q * k).sum(axis=-1) * (1.0 / math.sqrt(d_k)))
        worst = max(worst, float(abs(cache.weights[0] - here).max()))
    return within("attention", "attention_forward divides by sqrt(d_k): its weights are these", 0.0, worst, 1e-14)
