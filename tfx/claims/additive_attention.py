"""Claims about additive attention against dot products: time, memory, FLOPs, parameters, quality."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.efficient.tiled_attention import tiled_attention_forward
from tfx.lab.attention import additive_vs_dot
from tfx.lab.attention.equal_numbers import found_by_additive, found_by_dot_products
from tfx.lab.attention.pair_scores import counted_flops, draw_scorer, scoring_calls, work
from tfx.measure import counting
from tfx.measure.counting_array import CountingArray, counted
from tfx.measure.measuring import peak_bytes
from tfx.measure.paired import Difference, paired_difference
from tfx.measure.power_laws import fit_power_law
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import agree, at_least, at_most, between, exactly, within
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.additive_attention import additive_scores_forward
from tfx.ops.attention.general_scores import dot_scores_forward
from tfx.ops.attention.scaled_dot_product import attention_forward

SECTION = "Additive and dot-product attention"

BAHDANAU = "Bahdanau et al. 2015, appendix A.1.2"
VASWANI = "Vaswani et al. 2017, section 3.2.1"
N, D = 128, 64


@claim(
    "C044", "Dot products score pairs two to three times as fast as additive attention.", verdict="does not hold",
    where="D0:438 D0:3600 D0:4122", experiment="additive-vs-dot", paper=VASWANI,
    why="two is the ratio of FLOPs. On one core, with the better of all pairs at once and chunks, additive scores take "
    "several times longer than that. A graphics card was not measured.",
)  # fmt: skip
def two_to_three_times(trial: Trial) -> Evidence:
    with stopwatch() as watch:
        times = watch.in_turns(scoring_calls(trial.generator(0), N, D), 3, 0.2)
    ratio = min(times["additive"].median, times["chunks"].median) / times["dot"].median
    yield contradicts(at_least("clock", f"time of additive scores over dot products, n = {N}, d = {D}", 3.0, ratio))
    flops = counted_flops(trial.generator(1), D)
    yield exactly("flops", "the same in FLOPs", 2.0, flops["additive"] / flops["dot"])


@claim(
    "C045", "Dot products win because they are a plain product of matrices.", verdict="holds",
    where="D0:385 D0:433 D0:3599 D0:4123 D0:386", experiment="additive-vs-dot", paper=VASWANI,
    why="the sum and the tanh of additive scores have as many FLOPs as the product of matrices, and take many times as "
    "long.",
)  # fmt: skip
def plain_product(trial: Trial) -> Evidence:
    q, k = trial.generator(2).standard_normal((2, N, D)).astype(np.float32)
    with stopwatch() as watch:
        times = watch.in_turns({"product": lambda: q @ k.T, "tanh": lambda: np.tanh(q[:, None] + k[None])}, 3, 0.2)
    ratio = times["tanh"].median / times["product"].median
    yield supports(at_least("clock", "time of the sums and tanh of all pairs over that of Q K^T", 3.0, ratio))
    flops = 2 * np.tanh(q[:, None] + k[None]).size / counting.matmul("Q K^T", 1, N, D, N).flops
    yield supports(exactly("flops", "the same in FLOPs", 1.0, flops))


@claim(
    "C046", "The tanh of additive attention has to be computed one after the other.", verdict="does not hold",
    where="D0:424 D0:4146", paper=BAHDANAU,
    why="it acts on each number by itself: keys in another order give the same scores in that order. What was "
    "sequential is the recurrent network around it.",
)  # fmt: skip
def sequential_tanh(trial: Trial) -> Evidence:
    rng = trial.generator(3)
    q, k, order = rng.standard_normal((5, 4)), rng.standard_normal((9, 4)), rng.permutation(9)
    scorer = draw_scorer(rng, 4, 6)
    usual, mixed = (additive_scores_forward(q, keys, *scorer)[0] for keys in (k, k[order]))
    yield contradicts(
        agree("order", "scores of keys in another order, less the same scores moved", mixed, usual[:, order])
    )


@claim(
    "C047", "Additive attention takes more memory because of its extra matrices: n^2 and d_a d numbers.",
    verdict="does not hold", where="D0:381 D0:416 D0:429 D0:3608 D0:4116", experiment="additive-vs-dot", paper=BAHDANAU,
    why="what takes the memory are d_a hidden numbers for each of n^2 pairs; the matrices are next to nothing beside "
    "them. In chunks most of it goes.",
)  # fmt: skip
def memory(trial: Trial) -> Evidence:
    calls = scoring_calls(trial.generator(4), N, D)
    peaks = {name: peak_bytes(call) for name, call in calls.items()}
    extra = peaks["additive"] - peaks["dot"]
    yield contradicts(
        at_most("matrices", "share of the matrices and v in the extra memory", 0.05, 4 * (2 * D * D + D) / extra)
    )
    yield contradicts(within("hidden", "share of 2 n^2 d_a hidden numbers in it", 1.0, 4 * 2 * N * N * D / extra, 0.1))
    yield at_most("chunks", "memory in chunks over that of all pairs at once", 0.5, peaks["chunks"] / peaks["additive"])


@claim(
    "C049", "Dot-product attention at n = 512 and d = 512 takes about 134 million FLOPs.", verdict="does not hold",
    where="D0:4178 D0:4180", experiment="layer-costs",
    why="that is the number of multiply-adds of Q K^T alone. With two FLOPs each it is 268 million, with the product "
    "with the values 537 million, with four projections 1,611 million.",
)  # fmt: skip
def flops_of_dot_products(trial: Trial) -> Evidence:
    q, k = trial.generator(5).standard_normal((2, 512, 512)).astype(np.float32)
    counted.reset()
    dot_scores_forward(q.view(CountingArray), k.view(CountingArray))
    done = counted.multiply_adds
    yield contradicts(exactly("flops", "FLOPs of Q K^T, counted while it is computed", 268_435_456, 2 * done))
    yield exactly("multiply-adds", "... and its multiply-adds", 134_217_728, done)
    core = counting.total_matmul_flops(counting.attention_core(512, 512, 1))
    yield exactly("attention", "with P V, by formula", 536_870_912, core)
    layer = core + counting.total_flops(counting.projections(512, 512))
    yield exactly("layer", "... and with the projections", 1_610_612_736, layer)


@claim(
    "C050", "Additive attention with d_a = 512 takes 268 million FLOPs or a little more at n = d = 512.",
    verdict="does not hold", where="D0:4181", experiment="additive-vs-dot",
    why="the pairs alone take 537 million with a tanh counted as one; projections add 537 million and the product with "
    "the values 268 million.",
)  # fmt: skip
def flops_of_additive(trial: Trial) -> Evidence:
    parts = {row["part"]: row["additive"] for row in work(512, 512, 512)}
    pairs = 2 * parts["scores"] + 2 * parts["tanh"]  # each hidden number: a sum, a tanh and a multiply-add
    total = pairs + 2 * parts["projections q, k"] + 2 * parts["weights times values"]
    yield contradicts(exactly("total", "FLOPs in all", 1_342_177_280, total))
    yield contradicts(exactly("pairs", "... of the pairs alone", 536_870_912, pairs))
    small = counted_flops(trial.generator(6), 512)["additive"]
    yield exactly("counted", "the pairs of 16 tokens, counted, in units of n^2 d_a", 4.0, small / (16 * 16 * 512))


@claim(
    "C051", "Dot products add no parameters for scoring, additive attention adds W_q, W_k and v.", verdict="holds when",
    where="D0:370 D0:428 D0:3451 D0:3490 D0:3505 D0:4129", paper=BAHDANAU,
    why="no projections are counted on either side. With them, W_q and W_k are the projections of additive attention, "
    "and a second pair behind W_Q and W_K only multiplies with it: what is extra is v, d_a numbers and a bias.",
)  # fmt: skip
def parameters(trial: Trial) -> Evidence:
    rng = trial.generator(7)
    scorer = draw_scorer(rng, D, D)
    yield supports(
        exactly("scorer", "numbers of W_q, W_k and v at d = d_a = 64", 2 * D * D + D, sum(p.size for p in scorer) - D)
    )
    x, y, project = rng.standard_normal((4, D)), rng.standard_normal((5, D)), rng.standard_normal((2, D, D)) / 8
    w_q, w_k, b, v = scorer
    twice, _ = additive_scores_forward(x @ project[0], y @ project[1], w_q, w_k, b, v)
    once, _ = additive_scores_forward(x, y, project[0] @ w_q, project[1] @ w_k, b, v)
    yield contradicts(
        agree("collapse", "scores of twice projected tokens, less those of their product", twice, once, to=1e-9)
    )


@claim(
    "C052", "The projections have 3 d_model d_k parameters.", verdict="holds when", where="D0:3506 D0:4130",
    why="one head is meant, without biases and without W_O. A layer has 4 d_model^2 whatever the number of heads.",
    paper=VASWANI.replace("3.2.1", "3.2.2"),
)  # fmt: skip
def projections(trial: Trial) -> Evidence:
    one, layer = (MultiHeadAttention(512, h, trial.generator(8), d_head=64, bias=False) for h in (1, 8))
    three = sum(part.n_parameters for part in (one.query, one.key, one.value))
    yield supports(exactly("head", "one head of 64 at d_model = 512", 3 * 512 * 64, three))
    yield contradicts(exactly("layer", "8 such heads with W_O", 4 * 512**2, layer.n_parameters))


@functools.lru_cache(maxsize=16)
def right(trial: Trial, scorer: str, d: int = 32) -> tuple[float, ...]:
    """Shares of right answers of short trainings, from the same starts for every scorer."""
    settings = additive_vs_dot.Settings(length=6, steps=80 if trial.quick else 100)
    seeds = trial.generator(9).integers(2**31, size=4 if trial.quick else 8)
    with blas_threads(1):
        return tuple(additive_vs_dot.trained(scorer, d, int(seed), settings) for seed in seeds)


def lead(trial: Trial, scorer: str, other: str) -> Difference:
    """Right answers with the one less the other, start by start, with its 95% interval."""
    return paired_difference(right(trial, scorer), right(trial, other))


@claim(
    "C054", "Additive attention is the better choice where d_k is small, below 64.", verdict="does not hold",
    where="D0:453 D0:3642 D0:3665 D0:4164", experiment="additive-vs-dot", paper=VASWANI,
    why="a head that learns to reverse is ahead with scaled dot products at d_k = 32, and level at d_k = 4. The paper "
    "that the rule goes back to says that both do alike at small d_k.",
)  # fmt: skip
def small_d_k(trial: Trial) -> Evidence:
    high = lead(trial, "additive", "dot").high
    yield contradicts(
        at_most(
            "lead", "right answers with additive scores less with dot products, d_k = 32: 95% interval, to", 0.0, high
        )
    )
    yield at_least("learned", "right answers with dot products", 0.3, float(np.mean(right(trial, "dot"))))


@claim(
    "C055", "With the scale, dot products are as good as additive scores or better.", verdict="holds when",
    where="D0:390 D0:394 D0:3664 D0:3666 D0:4170", experiment="additive-vs-dot",
    paper="Britz et al. 2017, Massive Exploration of Neural Machine Translation Architectures",
    why="the task suits them, as looking at a place does. To find the same number among numbers, given as one input, "
    "additive scores can and dot products cannot; in recurrent translators additive ones were slightly ahead.",
)  # fmt: skip
def as_good(trial: Trial) -> Evidence:
    yield supports(
        at_least(
            "reverse",
            "right answers with dot products less additive, reversing: 95% interval, from",
            0.0,
            lead(trial, "dot", "additive").low,
        )
    )
    yield at_least("scale", "... less those without the scale: from", 0.0, lead(trial, "dot", "unscaled").low)
    ahead = found_by_additive() - found_by_dot_products(trial.generator(10))
    yield contradicts(at_least("numbers", "numbers found with additive scores less with dot products", 0.5, ahead))


@claim(
    "C056", "Additive scores are more expressive than dot products.", verdict="holds when",
    where="D0:391 D0:3622 D0:3625", paper=BAHDANAU,
    why="inputs and widths are narrow: a dot product is bilinear. With inputs that tell n tokens apart and d_k = n it "
    "fits any table of scores as well.",
)  # fmt: skip
def expressive(trial: Trial) -> Evidence:
    yield supports(
        exactly("additive", "share of 16 numbers that find themselves, additive with d_a = 2", 1.0, found_by_additive())
    )
    most = found_by_dot_products(trial.generator(10))
    yield supports(at_most("dot", "the same with dot products of width 8, best of 500", 2 / 16, most))
    table = trial.generator(11).standard_normal((16, 16))
    u, s, vt = np.linalg.svd(table)
    fitted, _ = dot_scores_forward(np.eye(16) @ (u * s), np.eye(16) @ vt.T)
    yield contradicts(agree("table", "a random 16 x 16 table of scores by dot products of width 16", fitted, table))


@claim(
    "C057", "Additive attention is softmax(W_a tanh(W_q Q + W_k K)) V.", verdict="does not hold", where="D0:356",
    paper=BAHDANAU,
    why="that adds query i to key i alone and fails where there are not as many of both. Every query meets every key: "
    "e_ij = v . tanh(W_q q_i + W_k k_j).",
)  # fmt: skip
def formula(trial: Trial) -> Evidence:
    rng = trial.generator(12)
    q, k, scorer = rng.standard_normal((5, 4)), rng.standard_normal((7, 4)), draw_scorer(rng, 4, 8)
    yield contradicts(
        exactly(
            "fails", "5 queries and 7 keys added row by row", "refused", added_row_by_row(q, k, scorer.w_q, scorer.w_k)
        )
    )
    scores, _ = additive_scores_forward(q, k, *scorer)
    by_hand = [[np.tanh(a @ scorer.w_q + b @ scorer.w_k) @ scorer.v for b in k] for a in q]
    yield agree("pairs", "the library's scores, less those of each pair", scores, np.array(by_hand))


def added_row_by_row(q: np.ndarray, k: np.ndarray, w_q: np.ndarray, w_k: np.ndarray) -> str:
    try:
        return f"{len(np.tanh(q @ w_q + k @ w_k))} rows"
    except ValueError:
        return "refused"


@claim(
    "C059", "Dot-product attention is one multiplication of matrices.", verdict="does not hold", where="D0:4106",
    experiment="layer-costs", paper=VASWANI, why="it is two for each head, Q K^T and P V, and projections come on top.",
)  # fmt: skip
def one_product(trial: Trial) -> Evidence:
    q, k, v = (trial.generator(13).standard_normal((20, 8)).view(CountingArray) for _ in range(3))
    counted.reset()
    attention_forward(q, k, v)
    yield contradicts(
        exactly("products", "multiply-adds of attention, in units of Q K^T", 2.0, counted.multiply_adds / (20 * 20 * 8))
    )


@claim(
    "C060", "Attention takes memory for n^2 numbers and its parameters.", verdict="holds when", experiment="complexity",
    where="D0:4115 D0:4116 D0:3450", paper="Dao et al. 2022, FlashAttention",
    why="the weights of a head are stored. In tiles they need not be, and then memory grows like n.",
)  # fmt: skip
def space(trial: Trial) -> Evidence:
    stored, tiles = (growth(trial, attend) for attend in (attention_forward, tiled_attention_forward))
    # a n^2 + b n grows like n^e with e above 1.5 where the square is the larger part; a + b n like n or less
    yield supports(
        between("stored", "memory of attention grows like n^e, above 1.5 most of it as n^2", 1.5, 2.0, stored)
    )
    yield contradicts(at_most("tiles", "... in tiles, at most as n", 1.0, tiles))


def growth(trial: Trial, attend: Callable[..., Any]) -> float:
    """The exponent of the largest memory alive at once, from 256 tokens to 1024."""
    lengths, peaks = (256, 512, 1024), []
    for n in lengths:
        q, k, v = trial.generator(n).standard_normal((3, n, 8)).astype(np.float32)
        peaks.append(peak_bytes(functools.partial(attend, q, k, v)))
    return fit_power_law(lengths, peaks).exponent
