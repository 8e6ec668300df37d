"""Activation checkpointing: what is held falls, one more forward pass is paid, and no bit of a gradient changes.

L blocks in segments of k keep the input of each segment, and inside backward the arrays of one segment at a time:

    held = ceil(L / k) + k           in arrays of the size of an input, where a block keeps one; at best ceil(2 sqrt(L))
    held = ceil(L / k) + r k - 1     where a block keeps r, its input among them; the best k is near sqrt(L / r)

A block of a Transformer keeps so much that segments of one block are best, long before sqrt(L).
Memory is counted array by array; the peak that Python itself measures stands beside it.  The work is counted too: two
forwards and one backward of each block for one and one.  Time is a ratio.
Source: Chen, Xu, Zhang and Guestrin 2016, "Training Deep Nets with Sublinear Memory Cost", section 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.lab.training.checkpointing_plots import checkpointing_plots
from tfx.measure import counting
from tfx.measure.held_memory import held_bytes
from tfx.measure.measuring import Timing, peak_bytes
from tfx.measure.seeds import generator
from tfx.measure.stopwatch import TOO_BUSY, stopwatch
from tfx.measure.verdicts import agree, exactly, largest, smallest, within
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.checkpointing import CheckpointedStack
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.stacks import EncoderStack
from tfx.nn.through_blocks import backward_through, forward_through
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.params import Layer
from tfx.records import Check, Column, Plot, Question, Text
from tfx.settings import setting

QUESTION = "How much memory does recomputing activations save, and what does it cost?"
ORDER = 7
TITLE = "Activations kept, or computed again"
CLAIM = (
    "Checkpointing stores fewer activations and computes the others again: memory falls to about the square root of "
    "the depth, for one more forward pass."
)
BREAK_IT = ("--set segments=1,16",)
HOST_ONLY = "Memory is counted and traced on the host: nothing for a card."

#: What Python sees may differ from what is counted by what a block needs while it works.
PYTHON_SLACK = 0.2


@dataclass(frozen=True)
class Settings:
    layers: int = setting(16, 2, 64, "blocks on top of each other")
    segments: tuple[int, ...] = setting((1, 2, 4, 8, 16), 1, 64, "blocks in a segment", at_least=2)
    batch: int = setting(2, 1, 64, "sequences")
    length: int = setting(32, 1, 512, "tokens of each")
    width: int = setting(32, 1, 512, "numbers of a token")
    turns: int = setting(9, 3, 1000, "times that each way is timed")

    def quick(self) -> Settings:
        """Shorter sequences, timed three times."""
        return replace(self, length=min(self.length, 16), turns=3)

    def full(self) -> Settings:
        """A deeper stack, and every length of a segment that divides it."""
        return replace(self, layers=64, segments=(1, 2, 4, 8, 16, 32, 64), length=128, width=64, turns=21)

    def check(self) -> None:
        """Raises BadInput for segments longer than the stack."""
        if max(self.segments) > self.layers:
            raise BadInput(
                f"a segment has at most all {self.layers} blocks, but segments has {max(self.segments)}.",
                f"Try: --set layers={max(self.segments)}",
            )

    def bytes_needed(self) -> float:
        """Everything that all blocks keep, twice; weights and their gradients."""
        kept = self.batch * self.length * (24 * self.width + 4 * self.length)
        return 8.0 * self.layers * (kept + 12 * self.width**2)


COLUMNS = (
    Column("every", "blocks in a segment"),
    Column("thin", "arrays held, thin layers"),
    Column("thick", "arrays held, Transformer", digits=3),
    Column("share", "of a plain stack", digits=3),
    Column("time_ratio", "time, plain is 1", digits=3),
    Column("time_half_range", "half range of time", digits=2, detail=True),
    Column("forwards", "forwards of a block", detail=True),
    Column("difference", "gradients differ by", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every length of a segment, against a stack that keeps everything."""
    for every in run.over(sorted(set(run.settings.segments)), "segments of {}"):
        yield measure_row(run.settings, run.seed, every)
    yield python_check(run.settings, run.seed)


class Thin(Layer):
    """tanh, which keeps one array: what it gave.  It counts how often it is computed."""

    def __init__(self) -> None:
        self.forwards = 0

    def forward(self, x: np.ndarray, mask: Any = None, rng: Any = None) -> tuple[np.ndarray, Any]:
        self.forwards += 1
        y, cache = ACTIVATIONS["tanh"][0](x)
        return y, cache

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        dx: np.ndarray = ACTIVATIONS["tanh"][1](dy, cache)
        return dx


# Measuring


def measure_row(settings: Settings, seed: int, every: int) -> dict[str, Any]:
    blocks, x, dy = transformer(settings, seed)
    thin = [Thin() for _ in range(settings.layers)]
    there_and_back(CheckpointedStack(thin, every), x, dy)()
    forwards = sum(layer.forwards for layer in thin) / settings.layers
    stack = CheckpointedStack(blocks, every)
    thick = most_held(stack, x)
    plain = held_bytes(forward_through(blocks, x, [()] * len(blocks))[1], besides=stack)
    found = gradients(there_and_back(stack, x, dy), blocks)
    difference = float(abs(found - gradients(plain_there_and_back(blocks, x, dy), blocks)).max())
    ways = {"plain": plain_there_and_back(blocks, x, dy), "again": there_and_back(stack, x, dy)}
    with stopwatch() as watch:
        timings = watch.in_turns(ways, settings.turns, 3.0)
    ratio = ratio_of(timings["again"], timings["plain"])
    segments, kept = len(stack.segments), plain / x.nbytes / settings.layers
    return {
        "every": every,
        "thin": most_held(CheckpointedStack(thin, every), x) / x.nbytes,
        "thin_law": float(segments + every),
        "thick": thick / x.nbytes,
        "thick_law": segments + kept * every - 1,
        "kept": kept,
        "share": thick / plain,
        "time_ratio": ratio.median,
        "time_half_range": ratio.half_range,
        "forwards": forwards,
        "difference": difference,
    }


def transformer(settings: Settings, seed: int) -> tuple[list[Any], np.ndarray, np.ndarray]:
    """Blocks, an input, and a gradient for what they give."""
    sizes = StackSettings(settings.width, 1, 2 * settings.width, settings.layers)
    shape = (settings.batch, settings.length, settings.width)
    x, dy = generator(seed, 1).standard_normal((2, *shape), dtype=np.float32)
    return EncoderStack(sizes, generator(seed)).blocks, x.copy(), dy.copy()


def most_held(stack: CheckpointedStack, x: np.ndarray) -> int:
    """Bytes: the inputs of all segments, and the arrays of the segment that keeps most."""
    _, cache = stack.forward(x)
    return max(held_bytes((cache, stack.run_again(i, cache)), besides=stack) for i in range(len(stack.segments)))


def there_and_back(stack: CheckpointedStack, x: np.ndarray, dy: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: stack.backward(dy, stack.forward(x)[1])


def plain_there_and_back(blocks: list[Any], x: np.ndarray, dy: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: backward_through(blocks, dy, forward_through(blocks, x, [()] * len(blocks))[1])


def gradients(call: Callable[[], np.ndarray], blocks: list[Any]) -> np.ndarray:
    """Of the input and of all parameters, in one vector."""
    for block in blocks:
        block.zero_grad()
    dx = call()
    return np.concatenate([dx.ravel(), *(p.grad.ravel() for block in blocks for p in block.parameters().values())])


def off_with_dropout(state_kept: bool, seed: int, width: int = 16, rate: float = 0.3) -> float:
    """How far the gradients of 4 checkpointed blocks with dropout are from a plain stack's, of their length.

    state_kept: the second forward draws the masks of the first again; otherwise fresh ones.
    """
    blocks = [EncoderBlock(BlockSettings(width, 2, 2 * width, dropout=rate), generator(seed, i)) for i in range(4)]
    stack = CheckpointedStack(blocks, 2)
    x, dy = generator(seed, 9).standard_normal((2, 1, 16, width), dtype=np.float32)

    def plain() -> np.ndarray:
        rng = generator(seed, 8)
        return backward_through(blocks, dy, forward_through(blocks, x, [(None, rng)] * len(blocks))[1])

    def again() -> np.ndarray:
        _, cache = stack.forward(x, rng=generator(seed, 8))
        fresh = tuple(generator(seed, 7, i) for i in range(len(cache.rngs)))
        return stack.backward(dy, cache if state_kept else cache._replace(rngs=fresh))

    truth, found = gradients(plain, blocks), gradients(again, blocks)
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def ratio_of(a: Timing, b: Timing) -> Timing:
    """a / b, with the scatter of both."""
    ratio = a.median / b.median
    return Timing(ratio, ratio * (a.half_range / a.median + b.half_range / b.median))


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, layers = run.rows, run.settings.layers
    thin = [row["thin"] for row in rows]
    return (
        exactly("same-bits", "gradients differ from those of a plain stack by at most", 0.0,
                largest(row["difference"] for row in rows)),
        agree("one-more-forward", "each block is computed twice: worst segment, off by",
              [row["forwards"] for row in rows], 2.0),
        agree("thin", "layers that keep one array hold ceil(L / k) + k of them: worst k, off by", thin,
              [row["thin_law"] for row in rows]),
        agree("thick", "blocks that keep r hold ceil(L / k) + r k - 1: worst k, off by",
              [row["thick"] for row in rows], [row["thick_law"] for row in rows], 1e-6),
        exactly("root", f"the fewest arrays of {layers} thin layers, 2 sqrt(L) rounded up",
                float(math.ceil(2 * math.sqrt(layers))), smallest(thin)),
    )  # fmt: skip


def python_check(settings: Settings, seed: int) -> Check:
    """The saving of segments of one block, as Python traces it.  Rounded: it differs a little from run to run."""
    blocks, x, dy = transformer(settings, seed)
    stack = CheckpointedStack(blocks, 1)
    ways = (plain_there_and_back(blocks, x, dy), there_and_back(stack, x, dy))
    plain, again = (peak_bytes(call) for call in (*ways, *ways)[2:])
    counted = held_bytes(forward_through(blocks, x, [()] * len(blocks))[1], besides=stack) - most_held(stack, x)
    what = "the saving that Python's own peak shows, segments of one block, over the one that is counted"
    return within("python", what, 1.0, round((plain - again) / counted, 1), PYTHON_SLACK)


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"{run.settings.layers} layers keep one array each. Held are the inputs of segments, and all arrays of one "
        "segment. What is the smallest number of arrays?"
    )


def question(run: Run[Settings]) -> Question:
    best = min(run.rows, key=lambda row: row["thin"])
    explanation = f"With {best['every']} in a segment: the square root of the depth, twice."
    return Question(prompt(run), best["thin"], 0.0, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    rows, layers = run.rows, run.settings.layers
    thin, thick = (min(rows, key=lambda row: row[key]) for key in ("thin", "thick"))
    ratio, scatter = thick["time_ratio"], thick["time_half_range"]
    took = f"in {ratio:.2f} times the time" if ratio - 1 > scatter else f"time: {TOO_BUSY}"
    core, rest = core_and_layer(2048, 1024)
    return (
        Text(
            f"{layers} thin layers hold {thin['thin']:g} arrays in segments of {thin['every']}. Transformer blocks, "
            f"which keep {thick['kept']:.1f} each, hold least in segments of {thick['every']}: {thick['share']:.0%} of "
            f"a plain stack, {took}."
        ),
        Text(
            "Twice the square root of the depth is the best where a layer keeps one array (Chen et al. 2016, section "
            "4). Where it keeps r, shorter segments are better: near sqrt(L / r)."
        ),
        Text(
            "Each block is computed once more. If its backward costs two forwards, that is 4 instead of 3, a third "
            "more work; if it costs one, as for small blocks in NumPy, half. Gradients keep every bit."
        ),
        Text(
            f"To compute only scores and weighted sums again costs less: {core / (3 * rest):.1%} more products for a "
            "layer at 2048 tokens of width 1024, and it saves what grows with the square of the length."
        ),
        Text("Only activations shrink. Weights, gradients and the optimiser's averages stay as they are."),
    )


def core_and_layer(n: int, d_model: int) -> tuple[int, int]:
    """FLOPs of the products of attention alone, and of a layer with its projections and a feed-forward 4 d wide."""
    core = counting.total_matmul_flops(counting.attention_core(n, d_model, 1))
    others = (*counting.projections(n, d_model), *counting.feed_forward(n, d_model, 4 * d_model))
    return core, core + counting.total_matmul_flops(others)


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return checkpointing_plots(run.rows, run.settings.layers)
