"""Additive and dot-product scores side by side: values, spread, parameters, work, memory, time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lessons.course import Request
from tfx.errors import BadInput
from tfx.gradcheck import check_gradients
from tfx.measure.measuring import time_in_turns
from tfx.ops.attention.additive_attention import additive_scores_backward, additive_scores_forward
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Plot, Question, Series, Step, Table, Text


@dataclass(frozen=True)
class Settings:
    """n: tokens in the timing; d: head width; hidden: width d_a of the additive network."""

    n: int = 128
    d: int = 64
    hidden: int = 64


class Scorer(NamedTuple):
    """The learned parts of additive scoring: w_q, w_k (D, A), b (A,), v (A,)."""

    w_q: np.ndarray
    w_k: np.ndarray
    b: np.ndarray
    v: np.ndarray


def walkthrough(request: Request) -> Iterator[Step]:
    """Eight steps from two formulas to what they cost."""
    settings: Settings = request.settings
    if not (2 <= settings.n <= 512 and 1 <= settings.d <= 512 and 1 <= settings.hidden <= 512):
        raise BadInput(
            "n must lie between 2 and 512, d and hidden between 1 and 512.", "For example: --set n=128 --set d=64"
        )
    rng = np.random.default_rng(request.seed)
    q, k = rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
    scorer = new_scorer(rng, 3, 4)
    yield _two_formulas(q, k, scorer)
    yield _one_pair(q, k, scorer)
    yield _spread(rng)
    yield _work(settings)
    yield _memory(rng, settings)
    yield _time(rng, settings)
    yield _projections_collapse(rng)
    yield _closing(q, k, scorer)


def new_scorer(rng: np.random.Generator, d: int, hidden: int) -> Scorer:
    """Random weights of the usual size: variance 1/d for the maps, 1/hidden for v."""
    return Scorer(
        rng.standard_normal((d, hidden)) / math.sqrt(d),
        rng.standard_normal((d, hidden)) / math.sqrt(d),
        np.zeros(hidden),
        rng.standard_normal(hidden) / math.sqrt(hidden),
    )


def values() -> dict[str, object]:
    """The numbers that lesson.md shows: counted, not timed."""
    multiply_adds = 512 * 512 * 512
    return {
        "dot_madds": multiply_adds,
        "dot_flops": 2 * multiply_adds,
        "hidden_mb": 512 * 512 * 64 * 4 / 1e6,
        "score_mb": 512 * 512 * 4 / 1e6,
    }


def _labels(letter: str, n: int) -> tuple[str, ...]:
    return tuple(f"{letter}{i + 1}" for i in range(n))


def _two_formulas(q: np.ndarray, k: np.ndarray, scorer: Scorer) -> Step:
    _, cache = attention_forward(q, k, k, scale=1.0)
    dot = q @ k.T
    additive, _ = additive_scores_forward(q, k, *scorer)
    same = bool(np.array_equal(softmax_forward(dot)[0], cache.weights))
    names = ("query", "key")
    return Step(
        "Two ways to score a pair",
        (
            Formula("dot:       S_ij = q_i . k_j", "(T, D) x (D, S) -> (T, S)"),
            Formula("additive:  S_ij = v . tanh(q_i W_q + k_j W_k + b)", "(T, S, A) x (A) -> (T, S)"),
            Matrix("dot-product scores", dot, names, _labels("q", 4), _labels("k", 5)),
            Matrix("additive scores", additive, names, _labels("q", 4), _labels("k", 5)),
            Text("Either way a softmax over the keys follows, and the weighted average of the values."),
            Check(
                "same-softmax",
                "the rest of attention is the same",
                "equal",
                "equal" if same else "different",
                "exact",
                same,
            ),
        ),
    )


def _one_pair(q: np.ndarray, k: np.ndarray, scorer: Scorer) -> Step:
    scores, cache = additive_scores_forward(q, k, *scorer)
    before = q[0] @ scorer.w_q + k[0] @ scorer.w_k + scorer.b
    hidden = cache.hidden[0, 0]
    terms = " + ".join(f"({v:.3f})({h:.3f})" for v, h in zip(scorer.v, hidden, strict=True))
    return Step(
        "One additive score, by hand",
        (
            Matrix(
                "q1 meets k1",
                np.stack([before, hidden, scorer.v]),
                ("quantity", "hidden unit"),
                ("z", "tanh(z)", "v"),
                _labels("u", hidden.size),
            ),
            Question(f"v . tanh(z) = {terms}. What is the score?", float(scores[0, 0]), 0.02, "Multiply, then add."),
            Text(f"v . tanh(z) = {terms} = {scores[0, 0]:.4f}."),
            Text("The vector v at the end is needed: tanh gives a vector for every pair, and a score is one number."),
            Code(additive_scores_forward),
        ),
    )


def _spread(rng: np.random.Generator) -> Step:
    rows = []
    for d in (4, 16, 64, 256, 1024):
        q, k = rng.standard_normal((128, d)), rng.standard_normal((128, d))
        scorer = new_scorer(rng, d, 16)
        dot = q @ k.T
        additive, _ = additive_scores_forward(q, k, *scorer)
        rows.append(
            {
                "d": d,
                "dot": float(dot.std()),
                "scaled": float((dot / math.sqrt(d)).std()),
                "additive": float(additive.std()),
                "bound": float(np.abs(scorer.v).sum()),
                "largest": float(np.abs(additive).max()),
            }
        )
    bounded = all(row["largest"] <= row["bound"] for row in rows)
    growth = math.log(rows[-1]["dot"] / rows[0]["dot"]) / math.log(rows[-1]["d"] / rows[0]["d"])
    widths = [float(row["d"]) for row in rows]
    return Step(
        "How far scores spread as the width grows",
        (
            Formula("|v . tanh(z)| <= |v_1| + ... + |v_A|        whatever q and k are"),
            Table(
                f"standard deviation of {len(dot) ** 2:,} scores",
                (
                    Column("d", "d"),
                    Column("dot", "dot"),
                    Column("scaled", "dot/sqrt(d)"),
                    Column("additive", "additive"),
                    Column("bound", "its bound"),
                ),
                tuple(rows),
            ),
            Plot(
                f"Raw dot-product scores spread like d^{growth:.2f}; additive ones do not",
                "width d",
                "standard deviation of the scores",
                (
                    Series("dot", widths, [row["dot"] for row in rows]),
                    Series("dot / sqrt(d)", widths, [row["scaled"] for row in rows]),
                    Series("additive", widths, [row["additive"] for row in rows]),
                    Series("sqrt(d)", widths, [math.sqrt(w) for w in widths], kind="line"),
                ),
                log_x=True,
                log_y=True,
            ),
            Text(
                "So it is at LARGE d that unscaled dot products saturate and fall behind. With 1/sqrt(d) the spread stays put."
            ),
            Check(
                "bounded",
                "no additive score passes its bound",
                "<= |v|_1",
                "inside" if bounded else "outside",
                "exact",
                bounded,
            ),
            Check("root", "dot products spread like sqrt(d)", 0.5, growth, "0.05", abs(growth - 0.5) <= 0.05),
        ),
        ("tfx explain scaling-variance",),
    )


def _work(settings: Settings) -> Step:
    n, d, a = settings.n, settings.d, settings.hidden
    rows = (
        {"part": "scores", "dot": n * n * d, "additive": n * n * a},
        {"part": "projections q, k", "dot": 0, "additive": 2 * n * d * a},
        {"part": "tanh", "dot": 0, "additive": n * n * a},
        {"part": "weights times values", "dot": n * n * d, "additive": n * n * d},
        {"part": "extra parameters", "dot": 0, "additive": 2 * d * a + 2 * a},
    )
    big = 512
    return Step(
        "Counting the work",
        (
            Table(
                f"n = {n}, d = {d}, d_a = {a}: multiply-adds, tanh evaluations, parameters",
                (Column("part", "part"), Column("dot", "dot", digits=12), Column("additive", "additive", digits=12)),
                rows,
            ),
            Question(
                f"How many multiply-adds does Q K^T take at n = d = {big}?",
                float(big**3),
                0.005,
                "n * n scores, each a sum of d products: 512 * 512 * 512.",
            ),
            Text(
                f"At n = d = {big}: {big**3:,} multiply-adds for Q K^T, that is {2 * big**3:,} FLOPs, and {4 * big**3:,} FLOPs "
                "with the product P V. Multiply-adds and FLOPs differ by two; many printed tables mix them."
            ),
            Text("Same order n^2 times a width for both. The order does not decide this race; the next two steps do."),
        ),
        ("tfx explain attention-additive-vs-dot --step 4 --set n=512 --set d=512 --set hidden=512",),
    )


def _memory(rng: np.random.Generator, settings: Settings) -> Step:
    n, d, a = settings.n, settings.d, settings.hidden
    q, k = (rng.standard_normal((n, d)).astype(np.float32) for _ in range(2))
    scores, cache = additive_scores_forward(q, k, *(part.astype(np.float32) for part in new_scorer(rng, d, a)))
    ratio = cache.hidden.nbytes / scores.nbytes
    return Step(
        "What has to be stored",
        (
            Table(
                f"float32, n = {n}, d_a = {a}, measured on the arrays themselves",
                (Column("array", "array"), Column("shape", "shape"), Column("bytes", "bytes", digits=12)),
                (
                    {"array": "scores, either way", "shape": str(scores.shape), "bytes": scores.nbytes},
                    {
                        "array": "hidden tanh, additive only",
                        "shape": str(cache.hidden.shape),
                        "bytes": cache.hidden.nbytes,
                    },
                ),
            ),
            Text(
                f"The hidden tensor is {ratio:.0f} times the scores, because every pair keeps d_a numbers, and the backward "
                f"pass needs all of them. At n = 512, d_a = 64 that is {512 * 512 * 64 * 4 / 1e6:.0f} MB against "
                f"{512 * 512 * 4 / 1e6:.0f} MB."
            ),
            Check("ratio", "hidden / scores = d_a", float(a), ratio, "exact", ratio == a),
        ),
    )


def _time(rng: np.random.Generator, settings: Settings) -> Step:
    n, d, a = settings.n, settings.d, settings.hidden
    q, k = (rng.standard_normal((n, d)).astype(np.float32) for _ in range(2))
    scorer = Scorer(*(part.astype(np.float32) for part in new_scorer(rng, d, a)))
    calls = {"dot": lambda: q @ k.T, "additive": lambda: additive_scores_forward(q, k, *scorer)}
    times = time_in_turns(calls, turns=9, budget_s=1.0)
    dot, additive = times["dot"].median, times["additive"].median
    return Step(
        "What it costs on this machine",
        (
            Table(
                f"scores only, n = {n}, d = {d}, d_a = {a}, float32, median of interleaved runs",
                (Column("how", "scores"), Column("us", "time", "us", digits=3), Column("ratio", "ratio", digits=3)),
                (
                    {"how": "dot product", "us": dot * 1e6, "ratio": 1.0},
                    {"how": "additive", "us": additive * 1e6, "ratio": additive / dot},
                ),
            ),
            Text(
                f"Measured just now: {additive / dot:.1f} times. No fixed factor is a law: it moves with n, d, the machine and "
                "its load. What stays is the reason: one matrix product against n * n * d_a numbers written, read and sent "
                "through tanh."
            ),
            Text(
                "The tanh is fully parallel. 'Additive attention is sequential' is a mix-up with the RNN it grew up in."
            ),
        ),
        ("tfx explain attention-additive-vs-dot --step 6 --set n=256",),
    )


def _projections_collapse(rng: np.random.Generator) -> Step:
    x, y = rng.standard_normal((4, 6)), rng.standard_normal((5, 6))
    project_q, project_k = rng.standard_normal((2, 6, 3))
    scorer = new_scorer(rng, 3, 4)
    twice, _ = additive_scores_forward(x @ project_q, y @ project_k, *scorer)
    once, _ = additive_scores_forward(x, y, project_q @ scorer.w_q, project_k @ scorer.w_k, scorer.b, scorer.v)
    gap = float(np.abs(twice - once).max())
    return Step(
        "A trap: projecting twice",
        (
            Formula("(x P) W = x (P W)        two linear maps in a row are one"),
            Text(
                "Some listings first project x to queries and keys and then apply W_q and W_k of the additive network. The "
                "second pair adds parameters and nothing else: the same scores come from the product of the two."
            ),
            Check("collapse", "project twice = project once", 0.0, gap, "1e-12", gap <= 1e-12),
            Text("What additive scoring really adds to projected queries and keys is v, and a bias: 2 * d_a numbers."),
        ),
    )


def _closing(q: np.ndarray, k: np.ndarray, scorer: Scorer) -> Step:
    inputs = {"q": q, "k": k, **scorer._asdict()}
    report = check_gradients(additive_scores_forward, additive_scores_backward, inputs, seed=0)
    return Step(
        "Say it in an interview",
        (
            Text(
                "Dot-product scores are one matrix product. Additive scores run a small tanh network on every pair: the same "
                "order of work, but n * n * d_a numbers to store, and no single matrix product to do it."
            ),
            Text(
                "At small widths they learn alike. At large widths raw dot products saturate, and dividing by sqrt(d_k) "
                "repairs that, which is why the Transformer could keep the cheap form."
            ),
            Check(
                "gradcheck",
                "gradient check of additive scores",
                0.0,
                report.worst,
                "1e-7 relative",
                report.worst <= 1e-7,
            ),
            Code(additive_scores_backward),
        ),
        ("tfx quiz attention-additive-vs-dot",),
    )
