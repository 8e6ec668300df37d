"""Numbers for the quiz on LoRA and adapters: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.linear import Linear
from tfx.ops.low_rank.low_rank_update import low_rank_update_forward
from tfx.tuning import Adapter, LoraWeight


@told_apart
def one_update(rng: np.random.Generator) -> NumberCase:
    """Numbers learned for one matrix, of a real update."""
    rows, columns = (int(n) for n in rng.choice([64, 96, 128, 192, 256], 2, replace=False))
    rank = int(rng.choice([2, 4, 8]))
    weight = LoraWeight(Linear(rows, columns, rng, bias=False).w, rank, rng)
    wrong = (
        Wrong(float(rank * rows * columns), "rank times the matrix", "Two thin matrices are learned, of rank columns and rank rows."),
        Wrong(float(rows * columns), "full matrix for update", "The matrix itself stays frozen."),
        Wrong(float(rank * max(rows, columns) * 2), "square matrix", "One factor has the width of the input, one that of the output."),
        Wrong(float(rank * rows), "one factor for two", "The second factor is learned as well."),
    )  # fmt: skip
    answer = float(weight.a.value.size + weight.b.value.size)
    return NumberCase({"rows": rows, "columns": columns, "rank": rank}, answer, wrong, 0.0)


@told_apart
def whole_model(rng: np.random.Generator) -> NumberCase:
    """Numbers of LoRA on queries and values of all blocks."""
    width, blocks, rank = int(rng.choice([32, 48, 64])), int(rng.choice([4, 6, 12])), int(rng.choice([2, 4]))
    one = LoraWeight(Linear(width, width, rng, bias=False).w, rank, rng)
    each = one.a.value.size + one.b.value.size
    answer = float(2 * blocks * each)
    wrong = (
        Wrong(float(blocks * each), "one matrix for two", "Queries and values have an update each."),
        Wrong(float(4 * blocks * each), "all four maps", "Only two of the four maps are tuned."),
        Wrong(float(2 * each), "one block for all", "Each block has its updates."),
    )
    return NumberCase({"width": width, "blocks": blocks, "rank": rank}, answer, wrong, 0.0)


@told_apart
def adapter_size(rng: np.random.Generator) -> NumberCase:
    width, narrow = int(rng.choice([32, 48, 64, 96])), int(rng.choice([4, 6, 8, 12]))
    wrong = (
        Wrong(float(2 * width * narrow), "biases not counted", "Both maps have biases."),
        Wrong(float(width * narrow + narrow), "one map for two", "The map back up has numbers, too."),
        Wrong(float(width * width + width), "no bottleneck", "The middle is narrow: that is the saving."),
    )
    answer = float(Adapter(width, narrow, rng).n_parameters)
    return NumberCase({"width": width, "narrow": narrow}, answer, wrong, 0.0)


@told_apart
def one_entry(rng: np.random.Generator) -> NumberCase:
    """An entry of the new matrix, with alpha and rank."""
    w = float(rng.integers(1, 10))
    down, up = rng.integers(-4, 5, size=(1, 2)).astype(float), rng.integers(-4, 5, size=(2, 1)).astype(float)
    alpha = float(rng.choice([4, 6, 8]))
    new, _ = low_rank_update_forward(np.array([[w]]), down, up, alpha / 2)
    product = float((down @ up)[0, 0])
    wrong = (
        Wrong(w + product, "scale forgotten", "The product is multiplied by alpha / rank before it is added."),
        Wrong(w + alpha * product, "alpha for alpha / rank", "The scale is alpha divided by the rank, 2."),
        Wrong(alpha / 2 * product, "base forgotten", "The frozen entry stays, and the update is added."),
    )
    values = {"w": f"{w:g}", "alpha": f"{alpha:g}", "a": f"{down[0, 0]:g}", "b": f"{down[0, 1]:g}", "c": f"{up[0, 0]:g}", "d": f"{up[1, 0]:g}"}  # fmt: skip
    return NumberCase(values, float(new[0, 0]), wrong)
