"""Numbers for the quiz on memory of earlier segments: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.reach import layers_between
from tfx.nn.compressive_memory import CompressiveMemory, CompressiveState
from tfx.nn.segment_memory import SegmentMemorySettings, segment_memory_mask


@told_apart
def farthest(rng: np.random.Generator) -> NumberCase:
    """Tokens back that the first of a segment hears of, by following the mask."""
    layers, m = int(rng.choice([2, 3, 4, 5])), int(rng.choice([4, 6, 8]))
    at = 7 * m
    between = layers_between(segment_memory_mask(at + m, m, m))[at]
    answer = at - int(np.flatnonzero((between >= 0) & (between <= layers)).min())
    wrong = (
        Wrong(float(m), "layers left out", "Each layer's memory was made with the memory of the layer below."),
        Wrong(float((layers + 1) * m), "segment counted too", "The token is the first of its segment, which lies ahead."),
        Wrong(float(m**layers), "power for product", "Each layer adds a memory's length."),
        Wrong(0.0, "memory forgotten", "Without memory it hears nothing; here it has one."),
    )  # fmt: skip
    return NumberCase({"layers": layers, "m": m}, float(answer), wrong, 0.0)


@told_apart
def pairs(rng: np.random.Generator) -> NumberCase:
    """Pairs that a causal segment with memory allows."""
    t, m = int(rng.integers(4, 12)), int(rng.integers(3, 20))
    mask = segment_memory_mask(4 * t + m, t, m)
    first = -(-m // t) * t
    answer = int(mask[first : first + t].sum())
    wrong = (
        Wrong(float(t * (t + m)), "causal mask forgotten", "Inside the segment nobody sees what comes later."),
        Wrong(float(t * (t + 1) // 2), "memory forgotten", "Each token sees all remembered places, too."),
        Wrong(float((t + m) * (t + m + 1) // 2), "memory asks, too", "Remembered places are keys and values, and no queries."),
    )  # fmt: skip
    return NumberCase({"t": t, "m": m}, float(answer), wrong, 0.0)


@told_apart
def slots(rng: np.random.Generator) -> NumberCase:
    """Squeezed places after several segments, counted on the library's memory."""
    rate, t, n = int(rng.choice([2, 4])), int(rng.choice([8, 12, 16])), int(rng.integers(3, 7))
    memory = CompressiveMemory(SegmentMemorySettings(4, 1, 4, 1, t), 10_000, rate, rng, "mean")
    state: CompressiveState | None = None
    for _ in range(n):
        state, _ = memory.push(state, (np.zeros((1, t, 4), dtype="float32"),))
    assert state is not None
    wrong = (
        Wrong(float(n * t // rate), "recent places squeezed", "The last segment stays as it was read."),
        Wrong(float((n - 1) * t), "not squeezed", "Groups of places become one."),
        Wrong(float(t // rate), "one segment kept", "All squeezed segments stay, while there is room."),
        Wrong(float((n - 2) * t // rate), "two segments recent", "The recent memory holds one segment."),
    )
    values = {"rate": rate, "t": t, "n": n}
    return NumberCase(values, float(state.compressed[0].shape[1]), wrong, 0.0)


@told_apart
def squeezed_reach(rng: np.random.Generator) -> NumberCase:
    """Reach with a squeezed memory behind the recent one."""
    layers, m, k, rate = (int(rng.choice(of)) for of in ([6, 12, 24], [256, 512], [128, 384, 1024], [2, 3, 4]))
    wrong = (
        Wrong(float(layers * (m + k)), "rate left out", "A squeezed place stands for several."),
        Wrong(float(m + rate * k), "layers left out", "Each layer adds as much again."),
        Wrong(float(layers * rate * (m + k)), "recent places squeezed", "Recent places stand for themselves."),
        Wrong(float(layers * m), "squeezed memory forgotten", "Older places are still there, squeezed."),
    )
    return NumberCase({"layers": layers, "m": m, "k": k, "rate": rate}, float(layers * (m + rate * k)), wrong, 0.0)
