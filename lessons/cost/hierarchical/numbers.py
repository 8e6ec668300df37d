"""Numbers for the quiz on pooling, windows and convolution: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.cost.windows_on_a_grid import window_pairs
from tfx.measure.counting import attention_core, feed_forward, projections, total_matmul_flops
from tfx.nn.convolution import Convolution1d
from tfx.nn.funnel import FunnelSettings, FunnelStack


@told_apart
def pooled_block(rng: np.random.Generator) -> NumberCase:
    """Percent of a block's products that are left at a shorter length."""
    c, t, by = int(rng.choice([64, 128, 256])), int(rng.choice([1024, 2048, 4096])), int(rng.choice([2, 4]))
    whole, short = (
        total_matmul_flops((*attention_core(n, c, 1), *projections(n, c), *feed_forward(n, c, 4 * c)))
        for n in (t, t // by)
    )
    wrong = (
        Wrong(100 / by, "all in proportion", "Scores and sum fall with the square."),
        Wrong(100 / by**2, "all with the square", "Maps and network fall in proportion."),
        Wrong(100 - 100 * short / whole, "saved for left", "That share is saved."),
    )
    return NumberCase({"c": c, "t": t, "by": by, "short": t // by}, 100 * short / whole, wrong, 0.01, "%")


@told_apart
def leaves_the_funnel(rng: np.random.Generator) -> ShapeCase:
    """What a Funnel stack without decoder gives."""
    b, stages, c = int(rng.integers(2, 5)), int(rng.integers(2, 5)), int(rng.choice([8, 12, 16]))
    t = 2 ** (stages - 1) * int(rng.integers(3, 7))
    stack = FunnelStack((1,) * stages, FunnelSettings(c, 2, 2 * c), np.random.default_rng(0))
    y, _ = stack.forward(np.zeros((b, t, c), dtype="float32"))
    wrong = (
        Wrong((b, t, c), "decoder assumed", "Without a decoder the row stays short."),
        Wrong((b, t // 2**stages, c) if t % 2**stages == 0 else (b, t // 2**stages + 1, c), "pooled before the first stage", "The first stage reads the full length."),
        Wrong((b, t // 2 ** (stages - 1), c * 2 ** (stages - 1)), "width grows", "Funnel keeps its width; pyramids widen."),
    )  # fmt: skip
    values = {"b": b, "stages": stages, "c": c, "t": t}
    return ShapeCase(values, tuple(int(n) for n in y.shape), wrong)


@told_apart
def scores_in_windows(rng: np.random.Generator) -> NumberCase:
    """Scores of one head in windows."""
    m, across = int(rng.choice([2, 3, 4])), int(rng.integers(2, 6))
    side = m * across
    answer = int(window_pairs(side, m).sum())
    wrong = (
        Wrong(float(side**4), "all pairs", "A place reads its own window."),
        Wrong(float(side**2 * m), "side for area", "A window has M * M places."),
        Wrong(float(across**2 * m * m), "places for pairs", "That is how many places there are."),
        Wrong(float(m**4), "one window", "All windows are counted."),
    )
    return NumberCase({"side": side, "m": m}, float(answer), wrong, 0.0)


@told_apart
def reduced_keys(rng: np.random.Generator) -> NumberCase:
    """Scores of one head with keys reduced as in PVT."""
    r, across = int(rng.choice([2, 4, 8])), int(rng.integers(2, 6))
    side = r * across
    wrong = (
        Wrong(float(side**4), "keys not reduced", "Squares of r x r places become one key."),
        Wrong(float(across**4), "queries reduced as well", "All places ask."),
        Wrong(float(side**4 // r), "side for area", "A square has r * r places."),
        Wrong(
            float(side * side * r * r), "windows for reduction", "A place reads all reduced keys, not r * r of them."
        ),
    )
    return NumberCase({"side": side, "r": r}, float(side**2 * across**2), wrong, 0.0)


@told_apart
def depthwise(rng: np.random.Generator) -> NumberCase:
    """Parameters of Conformer's depthwise convolution, with biases."""
    c, kernel = int(rng.choice([16, 32, 64])), int(rng.choice([7, 15, 31]))
    answer = Convolution1d(c, c, kernel, rng, "same", groups=c).n_parameters
    wrong = (
        Wrong(
            float(c * c * kernel + c), "full for depthwise", "Each feature has a kernel of its own and reads no other."
        ),
        Wrong(float(kernel + 1), "one kernel for all", "Each feature has its own."),
        Wrong(float(c * kernel), "biases left out", "Each feature has a bias."),
    )
    return NumberCase({"c": c, "kernel": kernel}, float(answer), wrong, 0.0)
