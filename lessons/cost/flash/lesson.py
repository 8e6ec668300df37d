"""FlashAttention: a softmax whose row passes by in blocks, what is kept for the way back, and what no longer travels."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.lab.cost.attention_variants import work
from tfx.lab.cost.online_softmax import moved_in_tiles, moved_step_by_step, online_softmax
from tfx.measure.counting import attention_core, feed_forward, projections, total_matmul_flops
from tfx.measure.held_memory import held_bytes
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.softmax import softmax_forward

D = 64  # width of a head
HAND, VALUES = np.array([1.0, 3.0, 2.0, 4.0]), np.array([[10.0], [20.0], [30.0], [40.0]])


@dataclass(frozen=True)
class Settings:
    length: int = setting(512, 64, 1024, "T, tokens")
    tile: int = setting(128, 8, 256, "queries, and keys, of a tile")


class Run:
    """heads: q, k, v of one head and a gradient that comes from above, (T, D) each."""

    def __init__(self, request: Request) -> None:
        self.t, self.tile = request.settings.length, request.settings.tile
        self.rng = np.random.default_rng(request.seed)
        self.heads, self.dout = self.rng.standard_normal((3, self.t, D)), self.rng.standard_normal((self.t, D))


lesson = Lesson(Run, Settings)


@lesson.step("The scores make a long way for nothing")
def for_nothing(run: Run) -> Iterator[Shown]:
    t = run.t
    whole, tiles = moved_step_by_step(t, D), moved_in_tiles(t, D, run.tile)
    yield "A graphics card has a large slow memory and a small fast one beside its processor. Attention step by step writes T^2 scores to the slow one, reads them for the softmax, writes T^2 weights, and reads these for the sum. Nobody needs them afterwards."
    yield "FlashAttention makes a tile of scores in fast memory, uses it, and forgets it. Only Q, K, V and the output travel."
    yield formula("step by step: 4 T^2 + 4 T D numbers travel")
    yield formula("in tiles of b queries: 2 T D + 2 T D * (T / b)", "b: keys and values travel once for each tile")
    yield question(
        f"T = {t}, D = {D}, step by step: how many numbers?", whole, "Four passes over T^2, and Q, K, V, O.", 0
    )
    yield f"In tiles of {run.tile} queries: {tiles:,}, a factor of {whole / tiles:.2g}. Larger tiles, fewer trips; with b below D / 2 there is nothing to save."
    yield exactly("one-tile", "one tile of all queries: travels", 4 * t * D, moved_in_tiles(t, D, t))
    yield Source("Dao et al.", 2022, "FlashAttention", "section 3.2")


@lesson.step("A softmax whose row passes by in blocks")
def in_blocks(run: Run) -> Iterator[Shown]:
    scores, block = run.heads[0, 0] @ run.heads[1].T / np.sqrt(D), -(-run.t // 4)
    states = list(online_softmax(scores, run.heads[2], block))
    whole, _ = softmax_forward(scores)
    rows = [{"keys": f"{i * block + 1} to {min((i + 1) * block, run.t)}", "m": s.top, "l": s.total, "o": s.weighted[0] / s.total} for i, s in enumerate(states)]  # fmt: skip
    yield "A softmax seems to need its whole row: the largest score, and the sum. Both can be kept up to date. What was summed in units of exp(m) is shrunk when a larger score comes:"
    yield formula("m' = max(m, new scores)", "m: largest so far")
    yield formula("l' = exp(m - m') l + sum_j exp(s_j - m')", "l: the sum so far")
    yield formula("a' = exp(m - m') a + sum_j exp(s_j - m') v_j", "a: the weighted values so far")
    yield table(
        "the first query's row, a quarter of its keys at a time (a: first number)",
        rows,
        keys="keys",
        m="m :4",
        l="l :4",
        o="a / l :3",
    )
    yield question("What do the weights exp(s_j - m) / l of all keys sum to at the end?", float(whole.sum()), "l is their sum, whatever order they came in.")  # fmt: skip
    yield agree(
        "blocks", "a / l at the end, and softmax times V", states[-1].weighted / states[-1].total, whole @ run.heads[2]
    )
    yield online_softmax


@lesson.step("By hand: two blocks of two scores")
def by_two(run: Run) -> Iterator[Shown]:
    first, second = online_softmax(HAND, VALUES, 2)
    rows = [{"block": name, "m": s.top, "l": s.total, "a": s.weighted[0], "o": s.weighted[0] / s.total} for name, s in (("1 and 3", first), ("2 and 4", second))]  # fmt: skip
    naive = float(first.total + np.exp(HAND[2:] - second.top).sum())
    whole = float(softmax_forward(HAND)[0] @ VALUES[:, 0])
    yield "Scores 1, 3, then 2, 4; values 10, 20, then 30, 40."
    yield question("After the first block m = 3. What is l?", first.total, "exp(1 - 3) + exp(3 - 3).")
    yield table("what is kept", rows, block="scores", m="m", l="l :4", a="a :4", o="a / l :4")
    yield f"Block 2: exp(3 - 4) * {first.total:.3f} + exp(2 - 4) + exp(4 - 4) = {second.total:.3f}. Without the shrinking it would be {naive:.3f}. At the end a / l is the output, and softmax of the whole row gives {whole:.3f}, too."
    yield agree("hand", "a / l, and the softmax of the row", second.weighted[0] / second.total, whole)
    yield Source("Milakov and Gimelshein", 2018, "Online normalizer calculation for softmax")


@lesson.step("The same output, to rounding")
def same_output(run: Run) -> Iterator[Shown]:
    whole, _ = attention_forward(*run.heads)
    tiled, _ = tiled_attention_forward(*run.heads, block_q=run.tile, block_k=run.tile)
    exact, tiles = work(attention_forward, tuple(run.heads)), work(lambda *heads: tiled_attention_forward(*heads, block_q=run.tile, block_k=run.tile), tuple(run.heads))  # fmt: skip
    off = float(np.abs(whole - tiled).max())
    yield f"One head, T = {run.t}, in tiles of {run.tile} x {run.tile} scores: each query passes {-(-run.t // run.tile)} blocks of keys."
    yield question("Multiply-adds in tiles over those without?", tiles / exact, "The same pairs, in another order.", 0)
    yield f"Largest difference of the outputs: {off:.0e}. Sums in another order round otherwise; nothing is approximated. The running maximum is what keeps exp from overflowing, as in any softmax."
    yield Said("FlashAttention removes the quadratic complexity of attention.", "false", "Each score is made: T^2 D work. Memory and traffic fall.", "C194")  # fmt: skip
    yield Said("FlashAttention approximates attention.", "false", "It is exact, to rounding. Windows, low rank and kernels give another output; tiles do not.")  # fmt: skip
    yield agree("same", "output in tiles, and at once", tiled, whole, to=1e-12)
    yield exactly("work", "multiply-adds, in tiles less without", 0, tiles - exact)
    yield tiled_attention_forward


@lesson.step("The way back: weights are made again")
def the_way_back(run: Run) -> Iterator[Shown]:
    _, cache = attention_forward(*run.heads)
    _, kept = tiled_attention_forward(*run.heads, block_q=run.tile, block_k=run.tile)
    grads, tiled = attention_backward(run.dout, cache), tiled_attention_backward(run.dout, kept)
    p = np.exp(run.heads[0, 0] @ run.heads[1].T / np.sqrt(D) - kept.logsumexp[0, 0])
    yield "The backward needs P, which was thrown away. One number a query brings it back, tile by tile: the logarithm of the sum of its exponentials."
    yield formula("w = m + log(l)        P_ij = exp(score_ij - w_i)", "w: kept, one number a query")
    yield "The softmax's backward asks for one more sum over the row, of P * dP. It is known beforehand, since P V is the output:"
    yield formula("sum_j P_ij dP_ij = dO_i . O_i")
    yield question("Weights made again from w for one query: their sum?", float(p.sum()), "w holds the sum of their row.", 0.001)  # fmt: skip
    yield "So one product, Q K^T, is done a second time: five on the way back in place of four. It is often still faster, since no T^2 numbers are read."
    yield agree("weights", "one row of weights, from w and from the softmax", p, cache.weights[0])
    yield agree("gradients", "gradients of Q, K, V, in tiles and at once", np.stack(tiled), np.stack(grads), to=1e-11)
    yield tiled_attention_backward
    yield Source("Dao et al.", 2022, "FlashAttention", "section 3.1, algorithms 1 and 4")


@lesson.step("What is kept grows with T")
def kept(run: Run) -> Iterator[Shown]:
    rows = []
    for t in (run.t, 2 * run.t):
        q, k, v = np.random.default_rng(t).standard_normal((3, t, D))
        sizes = [
            held_bytes(attend(q, k, v)[1]) // 8 - 3 * t * D for attend in (attention_forward, tiled_attention_forward)
        ]
        rows.append({"t": t, "exact": sizes[0], "tiled": sizes[1]})
    more = [rows[1][key] / rows[0][key] for key in ("exact", "tiled")]
    n, c = 2048, 1024
    layer = total_matmul_flops((*projections(n, c), *attention_core(n, c, 1), *feed_forward(n, c, 4 * c)))
    extra = total_matmul_flops(attention_core(n, c, 1)) / 2 / (3 * layer)
    yield "Beside Q, K and V themselves, what does one head keep until the way back?"
    yield formula("at once: T^2 weights        in tiles: T D outputs and T times w")
    yield question(f"T = {run.t}, D = {D}, in tiles: how many numbers?", rows[0]["tiled"], f"{run.t} * {D} outputs, and {run.t} of w.", 0)  # fmt: skip
    yield table("numbers kept beside Q, K, V", rows, t="T", exact="at once :10", tiled="in tiles :10")
    yield f"Twice the text: times {more[0]:g} and times {more[1]:g}."
    yield Said("Recomputing takes 25% more work for more than half of the memory.", "false", f"Q K^T once more is {extra:.1%} of a training step at T = {n:,}, C = {c:,} (three forwards), and T^2 weights are gone.", "C195")  # fmt: skip
    yield exactly("linear", "times the numbers kept in tiles, twice the text", 2.0, more[1])
    yield within("square", "times those kept at once", 4.0, more[0], 1e-9)
    yield at_most("extra", "Q K^T once more, as a share of a step", 0.1, extra)
    yield Try("tfx experiment tiled-memory")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "FlashAttention is exact attention in tiles. It keeps a running maximum, a running sum and a running output for each query, and shrinks the old ones when a larger score comes, so the T x T scores are never written to slow memory. It keeps the output and one log-sum-exp per query, and makes the weights again on the way back."
    yield "Work stays T^2 D, plus one product; memory is linear in T; it is faster because fewer bytes travel. FlashAttention-2 does fewer operations outside of matrix products and shares one head's queries among processors; FlashAttention-3 overlaps copying with computing on Hopper cards and can use 8-bit numbers."
    yield Source("Dao", 2023, "FlashAttention-2")
    yield Source("Shah et al.", 2024, "FlashAttention-3")
    yield Try("tfx quiz efficient-flash")
