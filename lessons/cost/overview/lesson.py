"""The map of efficient attention: what each family gives up, on one bench, and what FlashAttention does not change."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.efficient.longformer import longformer_attention_forward, longformer_mask
from tfx.lab.cost.attention_variants import VARIANTS, WINDOW, work
from tfx.lab.cost.efficient_variants import error, random_rows, smooth_rows
from tfx.measure.counting import attention_core, feed_forward, projections, total_matmul_flops
from tfx.measure.held_memory import held_bytes
from tfx.measure.verdicts import largest, smallest
from tfx.ops.attention.scaled_dot_product import attention_forward

D = 32  # width of a head on the bench
WIDE = 768  # of BERT-base and GPT-2
#: name on the bench -> the paper, and what it gives up
FAMILIES = (
    ("fewer pairs", "Longformer, BigBird, Sparse Transformer", "pairs off the pattern"),
    ("low rank", "Linformer, Nystromformer", "detail of rows"),
    ("other kernel", "linear attention, Performer", "softmax itself"),
    ("hashing", "Reformer", "keys in other buckets"),
    ("no attention", "FNet, Synthesizer", "comparing two tokens"),
    ("shorter rows", "Funnel, Swin, PVT", "places, or reach"),
    ("tiles", "FlashAttention", "no number"),
)
SHOWN = ("exact", "tiled", "window", "linformer", "nystrom", "performer", "linear")


@dataclass(frozen=True)
class Settings:
    length: int = setting(128, 128, 512, "T, tokens on the bench")


class Run:
    """rows: each way to attend at T and at 2 T, on the same heads."""

    def __init__(self, request: Request) -> None:
        self.t, self.seed = request.settings.length, request.seed

    def heads(self, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return random_rows(np.random.default_rng((self.seed, t)), t, D)

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {name: self.measured(name) for name in SHOWN}

    def measured(self, name: str) -> dict[str, Any]:
        lengths = (self.t, 2 * self.t)
        ways = [VARIANTS[name].make(t, D, np.random.default_rng(self.seed)) for t in lengths]
        done = [work(way, self.heads(t)) for way, t in zip(ways, lengths, strict=True)]
        kept = [held_bytes(way(*self.heads(t))[1]) for way, t in zip(ways, lengths, strict=True)]
        smooth = smooth_rows(np.random.default_rng((self.seed, 1)), self.t, D)
        off = error(ways[0], self.heads(self.t)), error(ways[0], smooth)
        return {"way": name, "work": done[0], "more": done[1] / done[0], "kept": kept[1] / kept[0], "off": 100 * off[0], "smooth": 100 * off[1]}  # fmt: skip


lesson = Lesson(Run, Settings)


@lesson.step("What is there to save?")
def to_save(run: Run) -> Iterator[Shown]:
    rows = []
    for t in (512, 6 * WIDE, 32_768):
        core = total_matmul_flops(attention_core(t, WIDE, 12))
        rest = total_matmul_flops((*projections(t, WIDE), *feed_forward(t, WIDE, 4 * WIDE)))
        rows.append({"t": t, "share": 100 * core / (core + rest), "weights": 4 * 12 * t * t / 2**20})
    yield "Scores and weighted sum grow with T^2, in work and, where weights are stored, in memory. Everything else in a block grows with T. How large is that part?"
    yield formula("share of the block = T / (T + 6 C)", "network of 4 C, maps counted")
    yield question(f"C = {WIDE}, T = 512: how many percent of the block's products?", rows[0]["share"], f"512 / (512 + {6 * WIDE}).")  # fmt: skip
    yield table(f"a block, C = {WIDE}: share of its work; 12 heads, float32", rows, t="T", share="scores, sum [%] :3", weights="weights [MiB] :4")  # fmt: skip
    yield f"At 512 tokens attention for nothing would save {rows[0]['share']:.0f}%: the network is the bottleneck. At 32,768 it is the other way round."
    yield exactly("half", "T of the middle row, where both are equal", 50.0, rows[1]["share"])
    yield attention_core


@lesson.step("Seven ideas, and what each gives up")
def families(run: Run) -> Iterator[Shown]:
    rows = [{"idea": idea, "papers": papers, "gives": gives} for idea, papers, gives in FAMILIES]
    yield "A score for each pair, softmax over a row, a sum of values: each family changes one of the three, or what goes in."
    yield table("families", rows, idea="idea", papers="papers", gives="gives up")
    yield "Fewer pairs: a pattern says who reads whom. Low rank: a few mixed keys stand for all. Other kernel: the exponential becomes a product of features, and sums are made once for all queries. Hashing: look for the near keys and read these. Tiles: the same numbers, in another order of work."
    yield Source("Tay et al.", 2022, "Efficient Transformers: A Survey", "section 3")


@lesson.step("One bench for all")
def bench(run: Run) -> Iterator[Shown]:
    rows = [{**row, "share": row["work"] / run.rows["exact"]["work"]} for row in run.rows.values()]
    others = [row["off"] for row in rows if not VARIANTS[row["way"]].exact]
    off = largest(abs(row["kept"] - 2 ** VARIANTS[row["way"]].power) for row in rows if row["way"] != "exact")
    yield "Off: distance from exact attention over its size, on random or on smooth rows."
    yield question("A window of fixed width, twice the tokens: how many times the work?", run.rows["window"]["more"], "Each token reads as many keys as before.")  # fmt: skip
    yield table(f"T = {run.t}; x2: times as much for twice the tokens", rows, way="way", share="work / exact :2", more="work x2 :3", kept="memory x2 :3", off="random [%] :2", smooth="smooth [%] :2")  # fmt: skip
    yield f"Tiled attention saves memory alone. The others, at least {min(others):.0f}% off on random rows, are other functions; a model trained with one may do well."
    yield at_most("tiled", "off, tiled attention, random rows, %", 1e-3, run.rows["tiled"]["off"])
    yield at_least("price", "least error of what is not exact, random rows, %", 20.0, smallest(others))
    yield at_most("memory", "times the memory, farthest from 2", 0.35, off)
    yield work


@lesson.step("Exact on a pattern is not exact")
def on_a_pattern(run: Run) -> Iterator[Shown]:
    heads = run.heads(run.t)
    windowed, _ = longformer_attention_forward(*heads, window=WINDOW)
    mask = longformer_mask(run.t, window=WINDOW)
    masked, _ = attention_forward(*heads, mask)
    whole, _ = attention_forward(*heads)
    far = float(np.linalg.norm(windowed - whole) / np.linalg.norm(whole))
    yield f"A window of {WINDOW} to each side is computed without any scores outside it. It equals full attention under a mask of that pattern. It does not equal full attention."
    yield question(f"T = {run.t}: which share of all pairs lies inside?", float(mask.mean()), f"{int(mask.sum()):,} of {run.t**2:,}.")  # fmt: skip
    yield Said("Longformer and the Sparse Transformer approximate nothing.", "true with conditions", f"On their pattern they are exact. From attention over all tokens these random rows are {100 * far:.0f}% off.", "C185")  # fmt: skip
    yield Said("Variants bring attention down to linear cost.", "true with conditions", "In operations. What comes out is another function, except on a pattern that is wanted anyway.", "C196")  # fmt: skip
    yield agree("pattern", "windowed, and full attention under the mask", windowed, masked, to=1e-5)
    yield Try("tfx experiment efficient-variants")
    yield at_least("differs", "windowed against full, as a share", 0.2, far)


@lesson.step("FlashAttention is another kind of answer")
def tiles(run: Run) -> Iterator[Shown]:
    exact, tiled = run.rows["exact"], run.rows["tiled"]
    yield "FlashAttention makes every score. It makes them in tiles that fit fast memory, keeps a running softmax, and throws them away. On the way back it makes them again."
    yield question("Its forward multiply-adds, divided by those of exact attention?", tiled["work"] / exact["work"], "Every score, and every weighted value.", 0)  # fmt: skip
    yield f"From T = {run.t} to {2 * run.t}: work times {tiled['more']:g}, what is kept times {tiled['kept']:.2g}. Time falls on a graphics card because fewer numbers travel to slow memory and back."
    yield Said("FlashAttention removes the quadratic complexity of attention.", "false", "Work stays T^2 C. Memory and traffic fall. So it stands with any of the other families, not against them.", "C194")  # fmt: skip
    yield exactly("same-work", "multiply-adds, tiled less exact", 0, tiled["work"] - exact["work"])
    yield within("square", "times the work for twice the tokens", 4.0, tiled["more"], 1e-9)
    yield Source("Dao et al.", 2022, "FlashAttention", "section 3")


@lesson.step("What came of it")
def since_then(run: Run) -> Iterator[Shown]:
    rows = [{"t": t, "full": t, "mixed": (t + 4096) / 2} for t in (8192, 131_072)]
    yield "Many large models keep softmax attention in tiles, and mix the families by layer: layers with a window and layers with full attention take turns (Gemma 2), or most layers keep a fixed state and some attend (hybrids with Mamba). In NSA scores with squeezed blocks choose which blocks are read."
    yield table("keys a query may meet, on average over layers", rows, t="text", full="all full :6", mixed="half in windows :6")  # fmt: skip
    yield question(f"Text of {rows[1]['t']:,} tokens, half of the layers with a window of 4,096: mean keys a query may meet, over full?", rows[1]["mixed"] / rows[1]["full"], "Half of the layers read all, half read 4,096.")  # fmt: skip
    yield "A mixture keeps direct paths, and stays quadratic in its full layers."
    yield Source("Gemma Team", 2024, "Gemma 2: Improving Open Language Models at a Practical Size")
    yield Source("Yuan et al.", 2025, "Native Sparse Attention")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Scores cost T^2 in work, and in memory where weights are stored; at short T the network costs more. Sparse patterns read fewer pairs: T times a window, or T times sqrt(T). Linformer and Nystromformer use low rank, Performer and linear attention another kernel: all linear in T. Reformer hashes, FNet drops attention, Funnel shortens the row."
    yield "All of these compute another function than full attention; sparse ones are exact on their pattern. FlashAttention is exact: the same T^2 C work, memory linear in T, less traffic."
    yield Try("tfx quiz efficient-overview")
