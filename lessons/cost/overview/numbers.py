"""Numbers for the quiz on the map of efficient attention: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.efficient.longformer import longformer_mask
from tfx.lab.cost.attention_variants import work
from tfx.lab.cost.efficient_variants import random_rows
from tfx.measure.counting import attention_core, feed_forward, projections, total_matmul_flops
from tfx.ops.attention.scaled_dot_product import attention_forward


@told_apart
def most_to_save(rng: np.random.Generator) -> NumberCase:
    """Percent of a block's products that attention for nothing would save."""
    c, t = int(rng.choice([256, 512, 1024])), int(rng.choice([128, 512, 1536, 3072, 8192]))
    core = total_matmul_flops(attention_core(t, c, 1))
    rest = total_matmul_flops((*projections(t, c), *feed_forward(t, c, 4 * c)))
    wrong = (
        Wrong(100 * core / rest, "share of the rest", "The block is both parts together."),
        Wrong(100 * t / (t + c), "constants left out", "The rest is 12 T C^2 against 2 T^2 C."),
        Wrong(100 * t / (t + 2 * c), "network left out", "The network, 4 C wide, takes twice what the maps take."),
    )
    return NumberCase({"c": c, "t": t}, 100 * core / (core + rest), wrong, 0.01, "%")


@told_apart
def pairs_in_a_window(rng: np.random.Generator) -> NumberCase:
    """Pairs that a window holds, ends included."""
    t, w = int(rng.integers(20, 100)), int(rng.integers(2, 8))
    answer = int(longformer_mask(t, window=w).sum())
    wrong = (
        Wrong(float(t * (2 * w + 1)), "windows that hang over the ends", "The first and last tokens have fewer neighbours."),
        Wrong(float(t * w), "one side for two", "A token reads itself and neighbours on both sides."),
        Wrong(float(t * t), "all pairs", "A pair farther apart than the window is left out."),
        Wrong(float(answer - t), "a token that skips itself", "A token reads itself, too."),
    )  # fmt: skip
    return NumberCase({"t": t, "w": w}, float(answer), wrong, 0.0)


@told_apart
def doubled(rng: np.random.Generator) -> NumberCase:
    """Multiply-adds for twice the tokens: exact attention run on small heads, the others by their power."""
    t = int(rng.choice([16, 32, 48]))
    times = int(rng.choice([2, 3, 4]))
    exact = [work(attention_forward, random_rows(np.random.default_rng(0), n, 4)) for n in (t, times * t)]
    wrong = (
        Wrong(float(times), "tiles for less work", "Each score is still made; memory is what grows in proportion."),
        Wrong(float(times**3), "one power too many", "Pairs grow with the square; the width stays."),
        Wrong(1.0, "work that does not grow", "Longer rows have more scores, in tiles or not."),
    )
    return NumberCase({"t": t, "times": times, "long": times * t}, exact[1] / exact[0], wrong, 0.0)


@told_apart
def mixed_layers(rng: np.random.Generator) -> NumberCase:
    """Scores a token makes in all layers, some with a window, some full, over all of them full."""
    layers, full = int(rng.choice([24, 36, 48])), int(rng.choice([4, 6, 12]))
    w, t = int(rng.choice([512, 1024, 4096])), int(rng.choice([16384, 32768, 131072]))
    met = full * t + (layers - full) * w
    wrong = (
        Wrong(100 * full / layers, "windows for free", "A layer with a window still meets its window."),
        Wrong(100 * w / t, "full layers forgotten", "Some layers meet the whole text."),
        Wrong(100 * (layers - full) / layers, "kinds exchanged", "It is the layers with windows that save."),
    )
    return NumberCase({"layers": layers, "full": full, "windowed": layers - full, "w": w, "t": t}, 100 * met / (layers * t), wrong, 0.01, "%")  # fmt: skip
