"""Pictures of attention as a kernel: a noisy curve that it smooths, and its kernel beside its mirror image."""

from __future__ import annotations

import math

import numpy as np

from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.records import Plot, Series

#: As many noisy points, along one turn of a circle.
POINTS, NOISE = 60, 0.3
#: Factors on the scores: wide, middle and narrow kernels.
FACTORS = (1.0, 20.0, 2000.0)


def smoothing_plot(rng: np.random.Generator) -> Plot:
    """Values known at some angles, with noise; the angle as a vector of length 1 is query and key."""
    angles = np.sort(rng.uniform(0, 2 * math.pi, POINTS))
    noisy = np.sin(2 * angles) + NOISE * rng.standard_normal(POINTS)
    asked = np.linspace(0, 2 * math.pi, 201)
    curves = {factor: smoothed(asked, angles, noisy, factor) for factor in FACTORS}
    errors = {factor: math.sqrt(((curve - np.sin(2 * asked)) ** 2).mean()) for factor, curve in curves.items()}
    best = min(errors, key=lambda factor: errors[factor])
    return Plot(
        f"Attention smooths a noisy curve: of three factors {best:g} comes nearest to it, by {errors[best]:.2f}",
        "angle",
        "value",
        (
            Series("noisy values", angles.tolist(), noisy.tolist()),
            *(Series(f"factor {factor:g}", asked.tolist(), curves[factor].tolist(), kind="line") for factor in FACTORS),
        ),
    )


def smoothed(asked: np.ndarray, angles: np.ndarray, values: np.ndarray, factor: float) -> np.ndarray:
    """asked: (T,), angles, values: (S,) -> (T,), by the library's attention."""
    q, k = (np.stack([np.cos(x), np.sin(x)], axis=-1) for x in (asked, angles))
    return np.asarray(attention_forward(q, k, values[:, None], scale=factor)[0][:, 0])


def mirror_plot(two: np.ndarray, one: np.ndarray, d_k: int) -> Plot:
    """two, one: (T, T), q.k of one head with two matrices and with one."""
    n = len(two)
    upper = np.triu_indices(n, 1)
    pairs = {name: np.exp(scores / math.sqrt(d_k)) for name, scores in (("two matrices", two), ("one matrix", one))}
    likeness = {name: float(np.corrcoef(np.log(k[upper]), np.log(k.T[upper]))[0, 1]) for name, k in pairs.items()}
    return Plot(
        "How much j counts for i against i for j: logs correlate by "
        + ", ".join(f"{likeness[name]:.2f} with {name}" for name in pairs),
        "K(i, j)",
        "K(j, i)",
        tuple(Series(name, k[upper].tolist(), k.T[upper].tolist()) for name, k in pairs.items()),
        log_x=True,
        log_y=True,
    )
