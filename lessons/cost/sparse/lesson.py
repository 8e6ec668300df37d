"""Sparse patterns: who reads whom in Longformer, Sparse Transformer and BigBird, what it costs, and how news gets far."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.efficient.big_bird import big_bird_mask
from tfx.efficient.longformer import longformer_attention_forward, longformer_mask
from tfx.efficient.sparse_transformer import sparse_transformer_mask
from tfx.lab.cost.attention_variants import work
from tfx.lab.cost.efficient_variants import random_rows
from tfx.measure.reach import layers_between, layers_until_all
from tfx.ops.attention.scaled_dot_product import attention_forward

DRAWN, D = 7, 16  # tokens of a picture; width of a head


@dataclass(frozen=True)
class Settings:
    length: int = setting(128, 64, 256, "T, tokens")
    window: int = setting(8, 2, 16, "places that a window reads to each side")


class Run:
    def __init__(self, request: Request) -> None:
        self.t, self.w, self.seed = request.settings.length, request.settings.window, request.seed

    def heads(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return random_rows(np.random.default_rng(self.seed), self.t, D)


lesson = Lesson(Run, Settings)


def drawn(mask: np.ndarray) -> list[str]:
    """A line for each query: # where it reads a key."""
    return ["".join("#" if reads else "." for reads in row) for row in mask]


@lesson.step("Three pictures of who reads whom")
def pictures(run: Run) -> Iterator[Shown]:
    masks = {"window": longformer_mask(DRAWN, window=1), "global": longformer_mask(DRAWN, window=1, global_places=(0,)), "strided": sparse_transformer_mask(DRAWN, stride=3)}  # fmt: skip
    rows = [{"query": str(i + 1), **dict(zip(masks, lines, strict=True))} for i, lines in enumerate(zip(*map(drawn, masks.values()), strict=True))]  # fmt: skip
    yield "In long texts most pairs matter little. So fix beforehand which keys a query reads, and make no other scores. Each row is a query, each place in it a key."
    yield table(f"{DRAWN} tokens", rows, query="query", window="window of 1", **{"global": "1 global"}, strided="strided by 3")  # fmt: skip
    yield question("The first picture: how many pairs?", int(masks["window"].sum()), f"{DRAWN} on the diagonal, {DRAWN - 1} on each side.", 0)  # fmt: skip
    yield f"In the second, token 1 reads all and is read by all: {int(masks['global'].sum())}. The third is causal. Full attention has {DRAWN**2}."
    yield exactly("drawn", "pairs of the first picture", 3 * DRAWN - 2, int(masks["window"].sum()))


@lesson.step("Longformer: a window, and news that walks")
def window(run: Run) -> Iterator[Shown]:
    t, w = run.t, run.w
    inside = {n: int(longformer_mask(n, window=w).sum()) for n in (t, 2 * t)}
    far = layers_until_all(longformer_mask(t, window=w))
    by_two = layers_until_all(longformer_mask(t, window=w) | longformer_mask(t, window=w, dilation=4))
    once = layers_until_all(longformer_mask(t, window=w, global_places=(0,)))
    yield f"Each token reads {w} places to each side: some T (2 * {w} + 1) scores. One layer sees no farther. But what a neighbour has read comes along, layer by layer."
    yield formula("reach of L layers = L * window to each side", "L: layers, here")
    yield question(f"T = {t}, {w} to each side: layers until the ends have news of each other?", far, f"{t - 1} places to go, {w} a layer, rounded up.", 0)  # fmt: skip
    rows = [{"what": "window alone", "layers": far}, {"what": "some heads dilated: every 4th place", "layers": by_two}, {"what": "one global token", "layers": once}]  # fmt: skip
    yield table("layers until all have news of all", rows, what="pattern", layers="layers")
    yield "Dilated windows skip places: farther for the same price. A global token, such as [CLS], is a meeting point: one layer to it, one from it."
    yield within("linear", "scores at twice the length, as a multiple", 2.0, inside[2 * t] / inside[t], 0.15)
    yield exactly("walk", "layers of the window alone", -(-(t - 1) // w), far)
    yield Source("Beltagy et al.", 2020, "Longformer", "section 3.1")


@lesson.step("Sparse Transformer: two steps for every pair")
def two_steps(run: Run) -> Iterator[Shown]:
    rows = []
    for n in (64, 256, 1024):
        pairs = int(sparse_transformer_mask(n, stride=round(n**0.5)).sum())
        rows.append({"n": n, "stride": round(n**0.5), "pairs": pairs, "share": 100 * pairs / (n * (n + 1) / 2), "power": pairs / n**1.5})  # fmt: skip
    mask = sparse_transformer_mask(256, stride=16)
    twice = int((np.tril(np.ones_like(mask)) & (layers_between(mask) > 2)).sum())
    yield "Causal. Some heads read the last sqrt(T) tokens, others each sqrt(T)-th token before. Any earlier token is two such steps away: a distant one into its neighbourhood, a local one to itself."
    yield question("T = 256, stride 16: how many keys does the last token read?", int(mask[-1].sum()), "Itself and 16 before it; then 14 more, each 16th.", 0)  # fmt: skip
    yield table("strided pattern, both kinds of heads together", rows, n="T", stride="stride", pairs="pairs", share="pairs [%] :3", power="/ T^1.5 :3")  # fmt: skip
    yield "So the cost is T * sqrt(T). A second pattern, fixed, cuts the text into blocks, whose last places are read by all that follow; it suits text. The strided one suits pictures, with rows of one length."
    yield exactly("reach", "earlier tokens not reached in two steps, T = 256", 0, twice)
    yield within("power", "pairs / T^1.5 at 1,024, over that at 256", 1.0, rows[2]["power"] / rows[1]["power"], 0.1)
    yield Source("Child et al.", 2019, "Generating Long Sequences with Sparse Transformers", "section 4.2")


@lesson.step("BigBird: window, global, random")
def big_bird(run: Run) -> Iterator[Shown]:
    parts = {"window": (0, 0), "and random": (0, 1), "and global": (1, 0), "all three": (1, 1)}
    rows = []
    for name, (n_global, n_random) in parts.items():
        mask = big_bird_mask(run.t, block=4, n_global=n_global, n_random=n_random, seed=run.seed)
        layers = layers_between(mask)
        rows.append({"part": name, "share": 100 * mask.mean(), "mean": float(layers[layers > 0].mean()), "most": int(layers.max())})  # fmt: skip
    yield "BigBird reads in blocks, here of 4 tokens: three blocks around it, one global block, one block drawn at random. Random links are short cuts: a graph with few of them has short paths."
    yield table(
        f"T = {run.t}: layers from token to token",
        rows,
        part="pattern",
        share="pairs [%] :3",
        mean="mean :3",
        most="most",
    )
    yield question("With the global block: how many layers at most?", rows[2]["most"], "To the global block, and from there to anybody.", 0)  # fmt: skip
    yield "Random blocks are drawn once and kept. Global tokens carry the proof; with them random links shorten only what is short already."
    yield exactly("two", "layers at most with all three", 2, rows[3]["most"])
    yield at_most("shorter", "mean with random blocks over that of windows", 0.8, rows[1]["mean"] / rows[0]["mean"])
    yield Source("Zaheer et al.", 2020, "Big Bird: Transformers for Longer Sequences", "sections 2 and 3")


@lesson.step("A mask alone saves nothing")
def no_mask(run: Run) -> Iterator[Shown]:
    heads, mask = run.heads(), longformer_mask(run.t, window=run.w)
    windowed, masked = longformer_attention_forward(*heads, window=run.w)[0], attention_forward(*heads, mask)[0]
    full = work(attention_forward, heads)
    under, blocks = (work(way, heads) for way in (partial(attention_forward, mask=mask), partial(longformer_attention_forward, window=run.w)))  # fmt: skip
    pairs = 2 * D * int(mask.sum())
    rows = [{"way": "full", "work": full}, {"way": "full, with the mask", "work": under}, {"way": "windows in blocks", "work": blocks}, {"way": "pairs of the pattern alone", "work": pairs}]  # fmt: skip
    yield "Put the pattern as a mask on T x T scores, and every score is made before it is thrown away. To save, keys are gathered for blocks of queries, and small dense products made of them."
    yield table(
        f"multiply-adds, one head, T = {run.t}, {run.w} to each side", rows, way="way", work="multiply-adds :10"
    )
    yield question("The window as a mask on full scores: multiply-adds over those of full attention?", under / full, "All scores are made first.", 0)  # fmt: skip
    yield f"Blocks make {blocks / pairs:.2f} scores for each one wanted, since hardware likes whole blocks."
    yield agree("same", "in blocks, and full attention under the mask", windowed, masked, to=1e-5)
    yield longformer_attention_forward


@lesson.step("Windows today")
def today(run: Run) -> Iterator[Shown]:
    w, layers, t = 4096, 32, 131_072
    yield "Causal windows are in language models of today: Mistral 7B reads the last 4,096 tokens in each layer, Gemma 2 in every second one. A window also bounds what is kept to write on: older keys and values are dropped."
    yield question(f"{layers} layers, each with a window of {w:,}: how far back can news come from, at most?", layers * w, f"{layers} * {w:,}.", 0)  # fmt: skip
    yield f"At most: {layers * w:,} tokens, through {layers} mixtures one after the other. A layer with full attention reads a token at distance {t:,} directly."
    yield "Drop the oldest keys of a model that was trained without a window, and its text falls apart: many heads put much weight on the first tokens, whatever these say (attention sinks). Keeping the first few beside the window mends that."
    yield Source("Jiang et al.", 2023, "Mistral 7B")
    yield Source("Xiao et al.", 2023, "Efficient Streaming Language Models with Attention Sinks")


@lesson.step("What is often said")
def often_said(run: Run) -> Iterator[Shown]:
    heads, inside = run.heads(), big_bird_mask(run.t, block=4, seed=run.seed).mean()
    windowed, whole = longformer_attention_forward(*heads, window=run.w)[0], attention_forward(*heads)[0]
    off = float(np.linalg.norm(windowed - whole) / np.linalg.norm(whole))
    yield Said("Longformer costs n times the window.", "true", "And the window alone needs many layers until far tokens meet; one global token makes it two.", "C184")  # fmt: skip
    yield Said("Longformer and the Sparse Transformer approximate nothing.", "true with conditions", f"On their pattern they are exact. From full attention these untrained rows are {100 * off:.0f}% off.", "C185")  # fmt: skip
    yield Said("BigBird is linear and keeps the expressive power of full attention.", "true with conditions", f"Linear: the number of blocks is fixed. The theorem is about what some stack can compute, with global tokens, and may take more layers: in one layer {inside:.0%} of the pairs meet.", "C187")  # fmt: skip
    yield at_least("differs", "windows against full attention, as a share", 0.1, off)


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Longformer: a sliding window for all tokens, some heads dilated, and a few global tokens that read and are read by all. Cost T times the window. News walks a window a layer; a global token makes it two layers."
    yield "Sparse Transformer: local and strided or fixed patterns with a stride near sqrt(T). Any two tokens are two steps apart; cost T * sqrt(T). BigBird: window, global and random blocks, linear; with global tokens it can compute, with enough layers, what full attention can. All are exact on their pattern, and none equals full attention."
    yield Try("tfx quiz efficient-sparse")
