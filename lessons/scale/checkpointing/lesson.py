"""Activation checkpointing: what is kept, what is computed again, what it costs, and attention from row statistics."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.errors import BadInput
from tfx.lab.training import checkpointing as lab
from tfx.measure.counting import attention_core, feed_forward, projections, total_matmul_flops
from tfx.measure.held_memory import held_bytes
from tfx.nn.checkpointing import CheckpointedStack
from tfx.nn.through_blocks import forward_through
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward

#: Size of a sequence here; width of a layer whose work is counted; bytes of a float64; products backward for one forward.
LENGTH, WIDTH, LARGE, FLOAT, BACK = 16, 16, 1024, 8, 2


@dataclass(frozen=True)
class Settings:
    layers: int = setting(16, 4, 64, "blocks, one behind the other")
    tokens: int = setting(128, 32, 512, "tokens of the sequence that attention reads")

    def check(self) -> None:
        """Raises BadInput for a number of blocks that has no whole root."""
        if math.isqrt(self.layers) ** 2 != self.layers:
            raise BadInput(f"{self.layers} blocks have no whole root.", "Try: --set layers=25")


class Run:
    """x: the input of the blocks.  kept: arrays of its size that a block keeps for the way back."""

    def __init__(self, request: Request) -> None:
        self.layers, self.tokens, self.seed = request.settings.layers, request.settings.tokens, request.seed
        self.root = math.isqrt(self.layers)
        sizes = lab.Settings(layers=self.layers, batch=1, length=LENGTH, width=WIDTH)
        self.blocks, self.x, self.dy = lab.transformer(sizes, request.seed)

    @cached_property
    def plain(self) -> float:
        """Arrays that a stack keeps where nothing is computed again."""
        caches = forward_through(self.blocks, self.x, [()] * self.layers)[1]
        return held_bytes(caches, besides=CheckpointedStack(self.blocks, 1)) / self.x.nbytes

    def thin(self, size: int) -> tuple[float, float]:
        """Segments of that size, layers that keep one array: arrays held at most, and forwards of each layer."""
        layers = [lab.Thin() for _ in range(self.layers)]
        stack = CheckpointedStack(layers, size)
        lab.there_and_back(stack, self.x, self.dy)()
        forwards = sum(layer.forwards for layer in layers) / self.layers
        return lab.most_held(stack, self.x) / self.x.nbytes, forwards

    def thick(self, size: int) -> float:
        """... and Transformer blocks."""
        return lab.most_held(CheckpointedStack(self.blocks, size), self.x) / self.x.nbytes


lesson = Lesson(Run, Settings)


@lesson.step("What the way back needs")
def needs(run: Run) -> Iterator[Shown]:
    each = run.plain / run.layers
    yield "The way back reads what the way forward computed: inputs of each map, attention weights, what went into each bend. So all of it is kept until then, block by block. With long batches these activations are most of the memory of training."
    yield f"One block here keeps {each:.1f} times its input (1 sequence of {LENGTH} tokens, width {WIDTH}, one head)."
    yield question(f"{run.layers} blocks, one behind the other: how many times the input?", run.plain, f"{run.layers} * {each:.3f}, counted array by array.")  # fmt: skip
    yield "Activation checkpointing, also called gradient checkpointing or recomputation, keeps few of these arrays and computes the others a second time, when they are needed."
    yield at_least("most", "what is kept, in inputs of a block", 2.0 * run.layers, run.plain)
    yield forward_through


@lesson.step("Keep the inputs of segments")
def segments(run: Run) -> Iterator[Shown]:
    picture = " ".join("[" + " ".join("x" if i == 0 else "." for i in range(run.root)) + "]" for _ in range(min(run.root, 5)))  # fmt: skip
    sizes = sorted({1, 2, run.root, run.layers // 2, run.layers})
    rows = [{"size": size, "inputs": math.ceil(run.layers / size), "held": run.thin(size)[0]} for size in sizes]
    yield "Cut the blocks into segments. Forward keeps the input of each (x); backward runs the last forward again, goes back through it, and forgets it."
    yield formula(picture + (" ..." if run.root > 5 else ""))
    yield formula("held = layers / size + size        size: blocks of a segment")
    yield question(f"{run.layers} layers that keep one array each, in {run.root} segments: held at once?", run.layers / run.root + run.root, f"{run.root} inputs, and {run.root} of the segment in work.", 0)  # fmt: skip
    yield table("arrays held at once, counted", rows, size="size", inputs="inputs", held="held")
    yield exactly("held", "held with the root as size", 2 * run.root, rows[sizes.index(run.root)]["held"])
    yield agree("law", "worst size: counted, and by the formula", [row["held"] for row in rows], [row["inputs"] + row["size"] for row in rows])  # fmt: skip
    yield Source("Chen, Xu, Zhang and Guestrin", 2016, "Training Deep Nets with Sublinear Memory Cost", "section 4")


@lesson.step("The root is the best size")
def the_root(run: Run) -> Iterator[Shown]:
    held = {size: math.ceil(100 / size) + size for size in range(1, 101)}
    best = min(held.values())
    yield "A larger segment has fewer inputs and more in work. The sum of layers / size and size is smallest where both are equal:"
    yield formula("size = sqrt(layers),    held = 2 sqrt(layers)")
    yield question("100 layers: the fewest arrays?", best, "Segments of 10: 10 + 10.", 0)
    yield f"That is {best} in place of 100, and the gap grows with depth: memory grows with the root of the depth."
    yield Said("Checkpointing makes much larger models trainable.", "true with conditions", "Where activations are most of the memory, as with long batches. Weights, gradients and the optimizer's averages stay.", "C260")  # fmt: skip
    yield exactly("best", "the fewest arrays of 100 layers", 20, best)
    yield exactly("run", f"of {run.layers} layers here, counted", 2 * run.root, min(run.thin(size)[0] for size in {run.root - 1, run.root, run.root + 1}))  # fmt: skip


@lesson.step("What it costs: one more forward")
def costs(run: Run) -> Iterator[Shown]:
    forwards = run.thin(run.root)[1]
    more = (1 + 1 + BACK) / (1 + BACK) - 1
    yield "Each segment is run forward a second time. So each block is computed twice and undone once, whatever the size of the segments."
    yield "A map x W has two products on the way back, one for x and one for W, each as large as the one forward. So backward costs about twice forward, and both together three times."
    yield question("One more forward: how much more work, in %?", 100 * more, "(1 + 1 + 2) / (1 + 2) = 4/3.", 0.01)
    yield "In time it can be less or more than a third: it depends on what the machine waits for. Often a larger batch fits then, which gives some of it back."
    yield exactly("twice", "forwards of each layer, counted", 2.0, forwards)
    yield within("third", "work of one more forward, of a step", 1 / 3, more, 1e-12)
    yield Try("tfx experiment checkpointing")


@lesson.step("The gradients are the same, bit for bit")
def same_bits(run: Run) -> Iterator[Shown]:
    plain = lab.gradients(lab.plain_there_and_back(run.blocks, run.x, run.dy), run.blocks)
    again = {size: lab.gradients(lab.there_and_back(CheckpointedStack(run.blocks, size), run.x, run.dy), run.blocks) for size in (1, run.root, run.layers)}  # fmt: skip
    kept, lost = (lab.off_with_dropout(state, run.seed, WIDTH) for state in (True, False))
    yield "Nothing is approximated: the same operations run on the same numbers. One thing has to be thought of: dropout. The second forward must draw the same masks, so the state of the random numbers is kept with each input."
    yield table(f"gradients of {run.layers} blocks, {plain.size:,} numbers", [{"size": size, "off": float(np.abs(found - plain).max())} for size, found in again.items()], size="size of segments", off="largest difference :2")  # fmt: skip
    yield question("By how much do they differ?", 0, "The same operations, in the same order, on the same numbers.", 0)
    yield f"With dropout 0.3 in 4 blocks: {kept:.2g} when the state is kept. Fresh masks in the second forward would be off by {lost:.0%} of the gradient's length."
    yield exactly("bits", "largest difference", 0.0, max(float(np.abs(found - plain).max()) for found in again.values()))  # fmt: skip
    yield exactly("masks", "... with dropout, state kept", 0.0, kept)
    yield at_least("fresh", "... with fresh masks, of the gradient's length", 0.05, lost)


@lesson.step("Blocks of a Transformer keep much")
def transformer_blocks(run: Run) -> Iterator[Shown]:
    each, sizes = run.plain / run.layers, sorted({1, 2, run.root, run.layers})
    rows = [{"size": size, "held": run.thick(size), "share": 100 * run.thick(size) / run.plain} for size in sizes]
    law = run.layers + each - 1
    yield f"A block keeps {each:.1f} arrays, its input among them, so the segment in work is what costs. The best segments are short, near sqrt(layers / {each:.0f}) blocks."
    yield formula("held = layers / size + kept * size - 1")
    yield question(f"{run.layers} blocks that keep {each:.3f}, one block a segment: held?", law, f"{run.layers} + {each:.3f} - 1.")  # fmt: skip
    yield table("arrays held at once, counted", rows, size="size", held="held :4", share="share [%] :3")
    yield f"So keep the input of each block: {rows[0]['share']:.0f}% here. Later work makes little but attention again."
    yield within("one", "segments of one block: counted, and by the formula", law, rows[0]["held"], 1e-6 * law)
    yield at_most("share", "... of all that would be kept, in %", 50, rows[0]["share"])
    yield Source("Korthikanti et al.", 2022, "Reducing Activation Recomputation")


@lesson.step("Attention from one number for each query")
def attention(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n = run.tokens
    q, k, v, dout = (rng.standard_normal((n, 16)) for _ in range(4))
    out, cache = attention_forward(q, k, v)
    other, small = tiled_attention_forward(q, k, v, block_q=16, block_k=16)
    pairs = zip((out, *attention_backward(dout, cache)), (other, *tiled_attention_backward(dout, small)), strict=True)
    off = max(float(np.abs(a - b).max()) for a, b in pairs)
    rows: list[dict[str, Any]] = [{"what": what, "numbers": held_bytes(one) / FLOAT} for what, one in (("all weights", cache), ("row statistics", small))]  # fmt: skip
    layer = total_matmul_flops((*projections(n, LARGE), *attention_core(n, LARGE, 16), *feed_forward(n, LARGE, 4 * LARGE)))  # fmt: skip
    share = total_matmul_flops(attention_core(n, LARGE, 16)) / (3 * layer)
    yield f"P has {n} * {n} numbers. It comes back from the scores by one number a query, w: the log of the sum of exp over its row."
    yield formula("P_ij = exp(score_ij - w_i)        no neighbours needed: block by block")
    yield table("numbers kept for the way back", rows, what="kept", numbers="numbers :6")
    yield question(f"Row statistics of {n} queries: how many numbers?", n, "One for each, beside q, k, v and the output.", 0)  # fmt: skip
    yield Said("Attention that recomputes takes 25% more work for more than half of the memory.", "false", f"Both depend on length and machine. Here one more pass over scores and P V is {share:.1%} of a step, at width {LARGE:,}.", "C195")  # fmt: skip
    yield at_most("same", "output and gradients differ by at most", 1e-12, off)
    yield at_least("saved", "numbers kept: all weights over row statistics", 1.2, rows[0]["numbers"] / rows[1]["numbers"])  # fmt: skip
    yield Source("Dao et al.", 2022, "FlashAttention", "algorithms 2 and 4")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Checkpointing keeps activations at chosen layers and computes the others again on the way back. With sqrt(L) segments of sqrt(L) layers memory falls from L to about 2 sqrt(L), for one more forward: about a third more work, since backward costs twice forward. Gradients are the same; dropout needs its random state kept."
    yield "Blocks of a Transformer keep so much that one block a segment is best. Attention does the same inside: keep one number a query and make score blocks again; what it saves depends on the length and the hardware."
    yield Try("tfx quiz gradient-checkpointing")
