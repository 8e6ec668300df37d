"""The cost of attention: where T^2 comes from, when it is the larger part, what it stores, and what an RNN and a CNN pay."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import Lesson, Request, Said, Shown, Source, Try, agree, exactly, formula, question, setting, table
from tfx.lab.cost.layer_costs import ATTENTION, CONVOLUTION, CORE, RNN, multiply_adds
from tfx.lab.cost.layer_costs import Settings as Layers
from tfx.lab.sequences import path_length, sequential_steps
from tfx.measure.counting import (
    attention_core, attention_overtakes, feed_forward, projections, recurrence, total_matmul_flops,
)  # fmt: skip
from tfx.measure.held_memory import held_bytes
from tfx.ops.attention.scaled_dot_product import attention_forward

TAPS, FEW = 3, 16  # of the convolution; tokens of the small example
WIDE, LONG = 4096, 2048  # of a wide model, and a text for it


@dataclass(frozen=True)
class Settings:
    length: int = setting(256, 64, 1024, "T, tokens of the text")
    width: int = setting(64, words=(16, 32, 64, 128), about="C, numbers of a token")
    heads: int = setting(4, words=(1, 2, 4, 8), about="heads of attention")

    def bytes_needed(self) -> float:
        """Scores and weights of twice the length, and what making them takes."""
        return 4.0 * 4 * self.heads * (2 * self.length) ** 2


class Run:
    """Counts of multiply-adds: half of FLOPs, since a multiply-add is a product and a sum."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed
        self.t, self.c, self.h = self.settings.length, self.settings.width, self.settings.heads

    def parts(self, t: int) -> tuple[int, int, int]:
        """Scores with weighted sum, four maps, and the network, of t tokens."""
        costs = attention_core(t, self.c, self.h), projections(t, self.c), feed_forward(t, self.c, 4 * self.c)
        core, maps, network = (total_matmul_flops(part) // 2 for part in costs)
        return core, maps, network


lesson = Lesson(Run, Settings)


@lesson.step("Every query meets every key")
def every_pair(run: Run) -> Iterator[Shown]:
    rows = [{"t": t, "pairs": t * t, "core": run.parts(t)[0]} for t in (run.t, 2 * run.t, 4 * run.t)]
    ran = multiply_adds(Layers(heads=run.h, kv_heads=run.h), CORE, run.t, run.c)
    yield "In attention each of T tokens asks each of T tokens. That is T^2 scores. Each is a dot product, and each has a value to weigh. So the work grows with the square of the text."
    yield formula("scores Q K^T: T^2 C multiply-adds        sum P V: T^2 C", "papers: n^2 d")
    yield question(f"From {run.t:,} tokens to {2 * run.t:,}: how many times the work of these two?", rows[1]["core"] / rows[0]["core"], "Twice the queries, and twice the keys for each.", 0)  # fmt: skip
    yield table(f"C = {run.c}", rows, t="T", pairs="pairs T^2 :12", core="multiply-adds, both :14")
    yield exactly("ran", "multiply-adds, counted while attention runs", rows[0]["core"], ran)
    yield attention_core
    yield Try("tfx experiment complexity")


@lesson.step("The rest grows with the length, not with its square")
def the_rest(run: Run) -> Iterator[Shown]:
    rows = [dict(zip(("t", "core", "maps", "network"), (t, *run.parts(t)), strict=True)) for t in (run.t, 2 * run.t)]
    times = {key: rows[1][key] / rows[0][key] for key in ("core", "maps", "network")}
    whole = sum(rows[1][key] for key in times) / sum(rows[0][key] for key in times)
    yield "A block does more than compare tokens. Four maps make queries, keys, values and the output; the network, 4 C wide, follows. They treat each token alone."
    yield formula("four maps: 4 T C^2        network: 8 T C^2", "papers: n d^2")
    yield f"By hand, T = {run.t}: scores and sum 2 * {run.t}^2 * {run.c} = {rows[0]['core']:,}; maps 4 * {run.t} * {run.c}^2 = {rows[0]['maps']:,}."
    yield question(f"The whole block: from T = {run.t} to {2 * run.t}, times how much?", whole, "Each part times its own factor, then divided by the old sum: more than 2, less than 4.")  # fmt: skip
    yield table(f"multiply-adds of a block, C = {run.c}", rows, t="T", core="scores, sum :14", maps="maps :14", network="network :14")  # fmt: skip
    yield f"Twice the text: {times['core']:g} times the scores, {times['maps']:g} times the rest."
    ran = multiply_adds(Layers(heads=run.h, kv_heads=run.h), ATTENTION, run.t, run.c)
    yield exactly("layer", "scores, sum and maps, counted while they run", rows[0]["core"] + rows[0]["maps"], ran)


@lesson.step("From which length on is T^2 the larger part?")
def crossing(run: Run) -> Iterator[Shown]:
    maps, block = (attention_overtakes(run.c, run.h, d_ff=inner) for inner in (0, 4 * run.c))
    share = [100 * run.parts(t)[0] / sum(run.parts(t)) for t in (run.c, maps, block)]
    rows = [{"t": t, "of": of, "share": part} for t, of, part in zip((run.c, maps, block), ("C", "2 C", "6 C"), share, strict=True)]  # fmt: skip
    yield "Set both sides equal. T and C cancel once each."
    yield formula("2 T^2 C = 4 T C^2 at T = 2 C", "the maps")
    yield formula("2 T^2 C = (4 + 8) T C^2 at T = 6 C", "the rest of the block")
    yield question(f"C = {run.c}: from which T on are scores and sum half of the block?", block, "6 C, with a network of 4 C.", 0)  # fmt: skip
    yield table("scores and sum, as a share of the block", rows, t="T", of="that is", share="share [%] :3")
    yield exactly("maps-cross", "counted: maps are reached at T", 2 * run.c, maps)
    yield exactly("block-cross", "counted: the rest of the block at T", 6 * run.c, block)


@lesson.step("Memory: the weights are T^2, if they are stored")
def memory(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    kept, rows = [], []
    for t in (run.t, 2 * run.t):
        heads = rng.standard_normal((3, run.h, t, run.c // run.h)).astype("float32")
        kept.append(held_bytes(attention_forward(*heads)[1]))
        rows.append({"t": t, "weights": 4 * run.h * t * t, "qkv": 3 * 4 * t * run.c, "cache": 2 * 4 * t * run.c})
    yield "To train, a layer keeps what its way back needs: queries, keys, values, and the weights of each head, T by T."
    yield formula("weights: H T^2 numbers        Q, K, V: 3 T C        to write on: 2 T C")
    yield question(f"{run.h} heads, {run.t} tokens: how many bytes do float32 weights take?", rows[0]["weights"], f"4 bytes * {run.h} heads * {run.t}^2.", 0)  # fmt: skip
    yield table("bytes of one layer, one text, float32", rows, t="T", weights="weights :12", qkv="Q, K, V :12", cache="K, V alone :12")  # fmt: skip
    yield "The last column is what a model keeps to go on writing."
    yield exactly("kept", "bytes that attention really keeps", rows[0]["qkv"] + rows[0]["weights"], kept[0])
    yield "If scores are made in tiles and thrown away, as FlashAttention does, the same output takes memory that grows with T. The work stays T^2."
    yield Source("Dao et al.", 2022, "FlashAttention", "section 3.1")


@lesson.step("Against an RNN and a CNN: work, waiting, distance")
def against(run: Run) -> Iterator[Shown]:
    chains, ways = sequential_steps.chains(sequential_steps.Settings()), path_length.layers(path_length.Settings(kernel=TAPS))  # fmt: skip
    far: dict[str, Any] = {name: path_length.layers_until_everywhere(layer, FEW) for name, layer in ways.items()}
    named: dict[str, tuple[str, Any, str]] = {"attention": (sequential_steps.ATTENTION, far[path_length.ATTENTION], "2 T^2 C"), "RNN": (sequential_steps.RNN, far[path_length.RNN], "2 T C^2"), "convolution": (sequential_steps.CONVOLUTION, far[path_length.CONVOLUTION], f"{TAPS} T C^2")}  # fmt: skip
    rows: list[dict[str, Any]] = [{"layer": name, "work": work, "waits": chains[way](FEW)[0], "far": steps} for name, (way, steps, work) in named.items()]  # fmt: skip
    yield "Beside work there is waiting, products that need each other's result, and distance: layers (in an RNN, steps) until each token has news of each."
    yield question(f"A kernel of {TAPS} reads one place to each side. {FEW} tokens: after how many layers has the last token news of the first?", far[path_length.CONVOLUTION], f"{FEW - 1} places to go, one a layer.", 0)  # fmt: skip
    yield table(f"{FEW} tokens, counted", rows, layer="layer", work="work", waits="in a row", far="distance")  # fmt: skip
    yield f"Attention's row of {rows[0]['waits']} (maps, scores, sum, output) does not grow with T, an RNN's does. A convolution whose steps double from layer to layer (dilated) needs {far[path_length.DILATED]} layers in place of {far[path_length.CONVOLUTION]}: a logarithm of T."
    yield exactly("rnn-waits", "products in a row of an RNN", FEW, rows[1]["waits"])
    yield exactly("path", "layers of attention until all have news of all", 1, rows[0]["far"])
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 4, table 1")
    yield Try("tfx experiment path-length")


@lesson.step("Which one is cheaper?")
def cheaper(run: Run) -> Iterator[Shown]:
    layers, c = Layers(heads=run.h, kv_heads=run.h, taps=TAPS), run.c
    rows = [{"t": of, **{name: multiply_adds(layers, name, t, c) / (t * c * c) for name in (CORE, ATTENTION, RNN, CONVOLUTION)}} for of, t in (("C / 2", c // 2), ("C", c), ("2 C", 2 * c))]  # fmt: skip
    labels = {CORE: "scores, sum :3", ATTENTION: "with maps :3", RNN: "RNN :3", CONVOLUTION: "convolution :3"}
    whole = total_matmul_flops(recurrence(c, c)) / total_matmul_flops(attention_core(c, c, run.h))
    yield "Counts of one layer, in units of T C^2, so that an RNN stands still:"
    yield table(f"C = {c}", rows, t="T", **labels)
    yield "Scores and sum alone cost less than an RNN where T is below C: short texts suit attention on work, too. With its maps it costs more than a simple RNN at any length."
    yield "Counts are not seconds. With one text, a step of an RNN multiplies a vector by a matrix: it reads each weight for one multiply-add, so memory sets its speed. Attention makes few large products."
    yield agree("equal", "RNN over scores and sum at T = C", whole, 1.0)
    yield Try("tfx experiment layer-costs")


@lesson.step("What is often said")
def often_said(run: Run) -> Iterator[Shown]:
    core = total_matmul_flops(attention_core(LONG, WIDE, 1))
    rest = total_matmul_flops((*projections(LONG, WIDE), *feed_forward(LONG, WIDE, 4 * WIDE)))
    yield Said("A longer text costs exponentially more.", "false", "Quadratically: twice the length is 4 times the scores, however long it is.", "C147")  # fmt: skip
    yield Said("Attention is the bottleneck once T is larger than C.", "true with conditions", "If constants count as 1. Counted, it equals its maps at 2 C, the rest of the block at 6 C. Its softmax adds time that no count of products shows.", "C148")  # fmt: skip
    yield Said("Beyond some 2,000 tokens Transformers cost too much.", "true with conditions", f"If they are narrow. At C = {WIDE:,} and T = {LONG:,} scores and sum are {core / rest:.2f} of the rest.", "C161")  # fmt: skip
    yield Said("Attention is cheaper than recurrence on short texts.", "true with conditions", "Below T = C, scores and sum against an RNN with both its maps. With the maps of attention: not.", "C155")  # fmt: skip
    yield Said("A CNN writes in parallel.", "false", "It reads in parallel. To write, it needs its last token before the next, as a Transformer does.", "C164")  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Every query is compared with every key, so scores and weighted sum take 2 T^2 C multiply-adds, n^2 d in papers. The four maps take 4 T C^2 and a network of 4 C takes 8 T C^2. So attention passes its maps at T = 2 C and the rest of the block at T = 6 C. Stored weights take T^2 numbers a head."
    yield "An RNN takes T C^2 work but T steps in a row, and the ends of a text are T steps apart. A convolution has no waiting and needs many layers for long distances, or dilation. Attention: a fixed number of steps, distance 1, work T^2 C."
    yield "Against T^2: sparse or local patterns, low rank, and kernels make fewer products. FlashAttention makes them all and stores few. And what is kept to write on grows with T."
    yield Try("tfx quiz complexity")
