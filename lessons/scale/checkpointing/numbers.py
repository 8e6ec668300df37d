"""Numbers for the quiz on activation recomputation: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.efficient.tiled_attention import tiled_attention_forward
from tfx.lab.training.checkpointing import Thin, most_held
from tfx.nn.checkpointing import CheckpointedStack


@told_apart
def held_at_once(rng: np.random.Generator) -> NumberCase:
    """Arrays that a real checkpointed stack holds."""
    size, segments = int(rng.integers(2, 9)), int(rng.integers(3, 13))
    layers, x = size * segments, np.ones((1, 2, 2))
    answer = most_held(CheckpointedStack([Thin() for _ in range(layers)], size), x) / x.nbytes
    wrong = (
        Wrong(float(segments), "segment in work forgotten", "The segment that is gone back through holds its own arrays besides."),
        Wrong(float(layers), "nothing saved", "That is what a stack keeps that computes nothing again."),
        Wrong(float(segments * size + size), "product for sum", "One input for each segment, not one for each layer."),
    )  # fmt: skip
    return NumberCase({"layers": layers, "size": size, "segments": segments}, answer, wrong, 0.0)


@told_apart
def fewest(rng: np.random.Generator) -> NumberCase:
    """The fewest arrays of layers that keep one each."""
    root = int(rng.integers(4, 17))
    layers = root * root
    answer = min(math.ceil(layers / size) + size for size in range(1, layers + 1))
    wrong = (
        Wrong(float(root), "root alone", "The inputs are as many again as the segment in work."),
        Wrong(float(layers // 2 + 2), "segments of two", "Larger segments hold less, up to the root."),
        Wrong(float(layers), "nothing saved", "That is what a stack keeps that computes nothing again."),
    )
    return NumberCase({"layers": layers, "root": root}, float(answer), wrong, 0.0)


@told_apart
def more_work(rng: np.random.Generator) -> NumberCase:
    """How much more work, in %, with a backward of so many forwards."""
    back = float(rng.choice([1.5, 2.0, 2.5, 3.0]))
    share = float(rng.choice([0.25, 0.5, 1.0]))
    wrong = (
        Wrong(100 * share, "step for forward", "A step is a forward and a backward, not a forward alone."),
        Wrong(100 * share / back, "forward left out of the step", "The step has its first forward as well."),
        Wrong(100 * (share + back) / (1 + back), "backward done twice", "The way back is gone once; forward is what is repeated."),
    )  # fmt: skip
    values = {"back": f"{back:g}", "percent": f"{100 * share:g}"}
    return NumberCase(values, 100 * share / (1 + back), wrong, 0.01)


@told_apart
def thick_blocks(rng: np.random.Generator) -> NumberCase:
    """Arrays held with blocks that keep many."""
    layers, kept = int(rng.choice([12, 24, 32, 48])), int(rng.integers(8, 31))
    wrong = (
        Wrong(float(layers * kept), "nothing saved", "That is a stack that keeps everything."),
        Wrong(float(layers), "block in work forgotten", "One block is run again and holds all of its arrays."),
        Wrong(float(math.ceil(2 * math.sqrt(layers))), "root for all blocks", "The rule of the root holds where a layer keeps one array."),
    )  # fmt: skip
    return NumberCase({"layers": layers, "kept": kept}, float(layers + kept - 1), wrong, 0.0)


@told_apart
def row_statistics(rng: np.random.Generator) -> NumberCase:
    """Numbers of row statistics that a real tiled attention keeps."""
    heads, n = int(rng.choice([2, 4, 8])), int(rng.choice([16, 32, 64]))
    q = rng.standard_normal((heads, n, 4))
    _, cache = tiled_attention_forward(q, q, q, block_q=8, block_k=8)
    wrong = (
        Wrong(float(heads * n * n), "all weights", "These are made again, block by block."),
        Wrong(float(n), "one head", "Each head has rows of its own."),
        Wrong(float(heads), "one number a head", "Each query has a row, and each row its number."),
    )
    return NumberCase({"heads": heads, "n": n}, float(cache.logsumexp.size), wrong, 0.0)
