"""Shorter rows and smaller windows: Funnel, pyramids (PVT), Swin, and Conformer's convolution beside attention."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, at_least, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.lab.cost.windows_on_a_grid import reached, window_pairs
from tfx.measure.counting import attention_core, feed_forward, matmul, projections, total_matmul_flops
from tfx.nn.conformer import ConformerSettings, ConvolutionModule
from tfx.nn.funnel import FunnelSettings, FunnelStack
from tfx.nn.spatial_reduction import SpatialReductionAttention
from tfx.ops.grids.windows import shifted_window_mask

WIDE = 512  # of the counted Funnel
SIDE, KERNEL = 8, 5  # of the drawn grid; of the convolution
STAGES = ((32, 64, 8), (16, 128, 4), (8, 256, 2), (4, 512, 1))  # side, width, reduction of a pyramid


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(512, words=(128, 256, 512, 1024), about="T, tokens that Funnel reads")
    window: int = setting(4, words=(2, 4), about="side of a window on the grid of 8 x 8 places")


class Run:
    def __init__(self, request: Request) -> None:
        self.t, self.m, self.seed = request.settings.tokens, request.settings.window, request.seed


lesson = Lesson(Run, Settings)


@lesson.step("Funnel: fewer tokens on the way up")
def funnel(run: Run) -> Iterator[Shown]:
    rows = []
    for stage, t in enumerate((run.t, run.t // 2, run.t // 4), 1):
        core = total_matmul_flops(attention_core(t, WIDE, 8)) / 2e6
        rest = total_matmul_flops((*projections(t, WIDE), *feed_forward(t, WIDE, 4 * WIDE))) / 2e6
        rows.append({"stage": stage, "t": t, "core": core, "rest": rest, "share": 100 * (core + rest)})
    whole = rows[0]["share"]
    rows = [{**row, "share": 100 * row["share"] / whole} for row in rows]
    yield "To classify a text, one vector is wanted at the end, and neighbours say much the same. So let rows get shorter: from stage to stage Funnel replaces two neighbours by one. Half the length is a quarter of the scores, and half of everything else."
    yield question("Half the tokens: scores and weighted sum, as a share of before?", rows[1]["core"] / rows[0]["core"], "Half the queries, half the keys for each.", 0)  # fmt: skip
    yield table(f"one block, C = {WIDE}: millions of multiply-adds", rows, stage="stage", t="T", core="scores, sum :4", rest="the rest :5", share="block [%] :3")  # fmt: skip
    yield "What is saved is spent on more layers. Where each token needs an answer, a decoder repeats the short row to full length and adds what the first stage gave, which still knows the details."
    yield exactly("quarter", "scores and sum at half the length, as a share", 0.25, rows[1]["core"] / rows[0]["core"])
    yield exactly("half", "the rest at half the length", 0.5, rows[1]["rest"] / rows[0]["rest"])
    yield Source("Dai et al.", 2020, "Funnel-Transformer", "section 2")


@lesson.step("Only the queries are pooled")
def pooled(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    sizes = FunnelSettings(16, 2, 32, dtype="float64")
    x = rng.standard_normal((1, 24, 16))
    short, _ = FunnelStack((1, 1, 1), sizes, np.random.default_rng(run.seed)).forward(x)
    long, _ = FunnelStack((1, 1, 1), sizes, np.random.default_rng(run.seed), n_decoder=1).forward(x)
    yield "A pooled query is the mean of two neighbours. Keys and values are not pooled in that block: each short place asks all the long ones, and takes by attention what the mean may have lost."
    yield formula("q = mean of neighbours        y = q + attention(q, x, x)", "x: (T, C), q, y: half as long")
    yield question(
        "24 tokens, three stages, pooled by 2 between them: how many tokens leave?", short.shape[1], "24, 12, 6.", 0
    )
    yield f"Run: {short.shape[1]} places leave the stack, and {long.shape[1]} with the decoder behind it."
    yield exactly("short", "places that leave three stages of 24 tokens", 6, short.shape[1])
    yield exactly("long", "... with a decoder", 24, long.shape[1])
    yield Said("Pooling as in the Funnel-Transformer cuts the work.", "true", "From the layer on where it pools: a quarter of scores and sum, half of the rest.", "C197")  # fmt: skip
    yield FunnelStack


@lesson.step("Pyramids for pictures: PVT")
def pyramid(run: Run) -> Iterator[Shown]:
    rows = []
    for side, c, r in STAGES:
        n, keys = side * side, (side // r) ** 2
        core = total_matmul_flops((matmul("Q K^T", 1, n, c, keys), matmul("P V", 1, n, keys, c))) / 2e6
        rows.append(
            {
                "grid": f"{side} x {side}",
                "c": c,
                "keys": keys,
                "core": core,
                "full": total_matmul_flops(attention_core(n, c, 1)) / 2e6,
            }
        )
    _, cache = SpatialReductionAttention(8, 2, 4, np.random.default_rng(run.seed)).forward(
        np.zeros((1, 8, 8, 8), "float32")
    )
    keys = cache.attention.attention.k.shape[-2]
    yield "A pyramid reads a picture in stages: fine squares and narrow vectors first, coarse and wide ones later: detail early, the whole late. PVT and Swin have that form."
    yield "On fine grids PVT makes one key and value of r x r places, by a learned map."
    yield question("32 x 32 places, r = 8: how many keys?", (32 // 8) ** 2, "4 * 4, in place of 1,024.", 0)
    yield table("a pyramid over 32 x 32 squares: millions of multiply-adds of scores and sum", rows, grid="grid", c="C", keys="keys", core="reduced :4", full="all keys :4")  # fmt: skip
    yield "Still quadratic in the places, r^2 times smaller."
    yield exactly("reduced", "keys of 8 x 8 places, r = 4, in a real layer", 4, keys)
    yield Source("Wang et al.", 2021, "Pyramid Vision Transformer", "section 3")


@lesson.step("Swin: windows, and the shift that joins them")
def swin(run: Run) -> Iterator[Shown]:
    m, place = run.m, (SIDE // 2 - 1) * (SIDE + 1)
    plain, shifted = window_pairs(SIDE, m), window_pairs(SIDE, m, m // 2)
    seen = {"windows alone": reached([plain] * 4, place), "every second shifted": reached([plain, shifted] * 2, place)}
    rows = [{"way": name, **{f"l{i + 1}": n for i, n in enumerate(counts)}} for name, counts in seen.items()]
    yield f"Swin attends within windows of M x M places: {SIDE} x {SIDE} places, M = {m}, {(SIDE // m) ** 2} windows. A place reads M^2 places, however large the picture. But windows never hear of each other, so each second layer shifts them by M / 2."
    yield formula("scores: T M^2 in place of T^2", "T: places, M: side of a window")
    yield question(
        f"{SIDE} x {SIDE} places, M = {m}: how many scores a head?",
        int(plain.sum()),
        f"{SIDE**2} places, {m * m} each.",
        0,
    )
    yield table(
        "places that one near the middle has news of, after each layer",
        rows,
        way="layers",
        l1="1",
        l2="2",
        l3="3",
        l4="4",
    )
    yield "The shift is cyclic; a mask keeps opposite ends apart. Between stages four neighbours are merged into one place, twice as wide."
    yield exactly("alone", "places reached in four layers, windows alone", m * m, seen["windows alone"][-1])
    yield at_least(
        "joined", "places reached with shifts, over those without", 2.0, seen["every second shifted"][-1] / (m * m)
    )
    yield shifted_window_mask
    yield Source("Liu et al.", 2021, "Swin Transformer", "section 3.2")


@lesson.step("Conformer: a convolution beside attention")
def conformer(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    module = ConvolutionModule(ConformerSettings(8, 2, 16, KERNEL, inner_norm="layer_norm", dtype="float64"), np.random.default_rng(run.seed))  # fmt: skip
    x = rng.standard_normal((1, 15, 8))
    other = x.copy()
    other[0, 7] += rng.standard_normal(8)
    moved = int((np.abs(module.forward(other)[0] - module.forward(x)[0])[0].max(axis=-1) > 1e-12).sum())
    yield "Speech has patterns of a few frames, and a sentence around them. Conformer puts a convolution into each block, behind attention, and half a network before and after both:"
    yield formula("x + 1/2 network, + attention, + convolution, + 1/2 network, norm")
    yield "The convolution module: a map to twice the width, one half gates the other; a kernel along the frames, each feature by itself (depthwise); a norm, a bend, a map back. Attention is then free for far patterns."
    yield question(f"A kernel of {KERNEL} frames. One frame is changed: how many outputs of the convolution module move?", moved, "The frame, and two to each side.", 0)  # fmt: skip
    yield "Attention would move all of them. The convolution knows what is near without positions; attention gets relative ones."
    yield exactly("reach", "outputs of the module that move with one frame", KERNEL, moved)
    yield ConvolutionModule
    yield Source("Gulati et al.", 2020, "Conformer", "section 2")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Funnel pools the sequence as depth grows, so deeper layers run on fewer tokens; a decoder upsamples where each token needs an output. A pyramid Transformer has stages with fewer places and wider vectors, fine detail first, the whole late: PVT shrinks keys and values on its fine grids; Swin attends inside local windows that shift between layers, so the cost is linear in the number of patches."
    yield "Conformer adds a convolution module between attention and the second of two half-step networks: convolution for local patterns, attention for global ones."
    yield Try("tfx quiz efficient-hierarchical")
