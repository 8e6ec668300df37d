"""Softmax as attention weights: what it does to a row, how it is computed safely, how sharp it is, along which axis.

It comes before attention.  What needs a mask, gradients or the time that things take stands at its end, for later.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lessons.writing import (
    Check, Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, between, exactly, formula, lines, matrix,
    numbered, proof, question, setting, table, within,
)  # fmt: skip
from tfx.bench.ladders import ladder
from tfx.bench.ladders.climbing import rung_steps
from tfx.errors import BadInput
from tfx.gradcheck.mistakes.ops.basics.softmax import maximum_not_subtracted as naive_softmax
from tfx.lab.attention.softmax_limits import (
    moved_by_the_last_query,
    over_queries,
    overflow_limit,
    top_in_words,
    zero_gap,
)
from tfx.lab.attention.softmax_rivals import RIVALS, nearer_than, worst_gradient
from tfx.measure.sharpness import entropy_share
from tfx.measure.verdicts import largest
from tfx.ops.basics.normalised_relu import normalised_relu_backward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.basics.sparsemax import sparsemax_backward, sparsemax_forward

FACTORS = (0.0, 0.125, 0.5, 1.0, 2.0, 8.0, 32.0)


@dataclass(frozen=True)
class Settings:
    scores: tuple[float, ...] = setting((2.0, 1.2, 0.1, -1.0), -100, 100, "one row of attention scores, 2 to 12 numbers")  # fmt: skip
    shift: float = setting(1000.0, -1e6, 1e6, "the number added to all scores")

    def check(self) -> None:
        if not 2 <= len(self.scores) <= 12:
            raise BadInput(f"scores needs 2 to 12 numbers, but there are {len(self.scores)}.", "Try: --set scores=2,1.2,0.1,-1")  # fmt: skip


class Run:
    """scores: (S,); keys: their names."""

    def __init__(self, request: Request) -> None:
        self.scores, self.shift = np.array(request.settings.scores), float(request.settings.shift)
        self.keys, self.seed = numbered(self.scores.size, "k"), request.seed


lesson = Lesson(Run, Settings)


@lesson.step("From scores to weights: raise e to them, then share out")
def one_row(run: Run) -> Iterator[Shown]:
    scores, (weights, _) = run.scores, softmax_forward(run.scores)
    e, gap = np.exp(scores), float(scores[0] - scores[1])
    parts = zip(run.keys, scores, e, weights, strict=True)
    rows = [dict(zip(("key", "score", "e", "weight"), part, strict=True)) for part in parts]
    by_hand, measured = math.exp(gap), float(weights[0] / weights[1])
    yield "S scores s_j, one for each key, become weights p_j: above 0, together 1, larger where the score is larger, and smooth, so that they can be learned:"
    yield formula("p_j = exp(s_j) / sum_i exp(s_i)", "(S) -> (S), exp(s): e to the power of s")
    asked = f"By what factor does k1 (score {scores[0]:g}) outweigh k2 (score {scores[1]:g})?"
    yield question(asked, by_hand, f"The sum cancels: exp(s_1 - s_2) = exp({gap:g}).")
    title = f"One query's row. By hand: k1 gets {e[0]:.4g} / {e.sum():.4g} = {weights[0]:.4g}"
    yield table(title, rows, key="key", score="score s", e="exp(s)", weight="weight p")
    yield f"One more unit of score for k1 multiplies p_1 / p_2 by e = {math.e:.3f}."
    yield agree("sum", "the weights sum to 1", weights.sum(), 1.0)
    yield within("ratio", "p_1 / p_2 = exp(s_1 - s_2)", by_hand, measured, 1e-12 * by_hand)
    yield softmax_forward
    yield Try.here(scores="3,1,0")


@lesson.step("Adding a constant to the row changes nothing")
def the_shift(run: Run) -> Iterator[Shown]:
    scores, shift = run.scores, run.shift
    weights, shifted, level = (softmax_forward(row)[0] for row in (scores, scores + shift, np.full(scores.size, shift)))
    rounding = 8 * float(np.finfo(np.float64).eps) * (1 + abs(shift) + float(abs(scores).max()))
    yield "Add c to every score of the row. The factor exp(c) cancels, so softmax sees only gaps:"
    yield formula("exp(s_j + c) / sum_i exp(s_i + c) = exp(s_j) / sum_i exp(s_i)")
    names = ("as it is", f"all {shift:+g}", f"all = {shift:g}")
    yield matrix("weights", np.stack([weights, shifted, level]), "row, key", names, run.keys, "In the last row all scores are equal.")  # fmt: skip
    yield Said("Large scores saturate softmax.", "too strong", f"Large gaps do: nearly all weight goes to one key. A row of equal scores is uniform at any height, here {level[0]:.4f} each.", "C008")  # fmt: skip
    yield agree("shift", "largest change of a weight", weights, shifted, to=rounding)
    yield agree("level", "equal scores give a uniform row", level, 1 / scores.size)
    yield Try.here(shift=-shift / 10 or 50.0)


@lesson.step("Why the maximum is taken off first")
def the_overflow(run: Run) -> Iterator[Shown]:
    scores, rows = run.scores, []
    for c in sorted({0.0, 100.0, 1000.0, -1000.0, run.shift}):
        forms = {"single": naive_softmax((scores + c).astype(np.float32)), "double": naive_softmax(scores + c)}
        forms["stable"] = softmax_forward(scores + c)[0]
        rows.append({"c": c, **{name: top_in_words(weights) for name, weights in forms.items()}})
    raised = scores + 1000.0
    yield "Take off the largest score, m: same weights, no large exp. Naive: without it."
    yield formula("p_j = exp(s_j - m) / sum_i exp(s_i - m)     m = max_i s_i")
    title = "Largest weight of the row, all scores raised by c"
    yield table(title, rows, c="c", single="naive float32", double="naive float64", stable="stable float64")
    limits = [overflow_limit(dtype) for dtype in (np.float64, np.float32, np.float16)]
    yield f"exp overflows above {limits[0]:.1f} in float64, {limits[1]:.1f} in float32 and {limits[2]:.1f} in float16: inf / inf is NaN. Far below zero all exps are 0, and 0 / 0 is NaN. With the maximum off, the largest exp is 1 and the sum lies between 1 and S."
    yield exactly("naive", "naive weights that are NaN at c = 1000", scores.size, int(np.isnan(naive_softmax(raised)).sum()))  # fmt: skip
    yield agree("stable", "stable weights move at c = 1000 by", softmax_forward(raised)[0], softmax_forward(scores)[0], to=1e-11)  # fmt: skip
    yield naive_softmax
    yield Try.here(shift=round(limits[0] - float(scores.max())))


@lesson.step("How sharp? That depends on the scale of the scores")
def the_sharpness(run: Run) -> Iterator[Shown]:
    rows = []
    for factor in FACTORS:
        w = softmax_forward(factor * run.scores)[0]
        rows.append({"s": factor, "top": float(w.max()), "low": float(w.min()), "entropy": float(entropy_share(w))})  # fmt: skip
    yield "Multiply the scores by a factor, and every gap grows with it. The entropy, minus the sum of p log p, here as a part of the largest possible one, log S, says how even a row is: 0 when all is on one key, 1 when all weights are equal:"
    yield table("The same row, multiplied by a factor", rows, s="factor", top="top weight", low="least :3", entropy="entropy :3")  # fmt: skip
    yield "Softmax favours larger scores, but is not sharp by nature: equal scores are even at any factor."
    rises = [after["entropy"] - before["entropy"] for before, after in pairwise(rows)]
    yield at_most("entropy", "entropy never rises with the factor: largest rise", 1e-12, largest(rises))
    yield Try.here(scores="3,3")


@lesson.step("A weight is never quite 0")
def never_zero(run: Run) -> Iterator[Shown]:
    fine = np.linspace(0, 8, 65).tolist()
    yield Plot("The larger the gaps, the sharper the row", "factor", "weight", lines(fine, top_weight=lambda f: softmax_forward(f * run.scores)[0].max(), least_weight=lambda f: softmax_forward(f * run.scores)[0].min()))  # fmt: skip
    yield f"exp is above 0 everywhere, until it underflows: {zero_gap(np.float64)} below the best score in float64, {zero_gap(np.float32)} in float32."


@lesson.step("A row is a distribution, but not a calibrated one")
def a_distribution(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    keys, draws = 64, 500
    share = float(entropy_share(softmax_forward(rng.standard_normal((draws, keys)))[0]).mean())
    first, unchanged, last = (float(softmax_forward(factor * run.scores)[0].max()) for factor in (0.125, 1.0, 32.0))
    yield f"How sharp are rows of random scores? With {keys} independent normal scores of variance 1, {draws} rows have the average entropy {share:.2f}: nearly even. A later topic, on scaling, is about what keeps the variance at 1."
    yield Said("Attention weights are probabilities.", "too strong", f"Each row is a distribution, yet it is not calibrated: multiply the scores by a factor (0.125, 1, 32) and the ranking stays, but the top weight is {first:.2f}, {unchanged:.2f}, {last:.2f}. No target says which is right. With dropout (some weights set to 0 at random, in training) they do not even sum to 1.")  # fmt: skip
    yield between("even", "the average entropy of random rows", 0.8, 1.0, share)
    yield See("scaling-variance", "the_softmax")


@lesson.step("Along which axis? Along the keys")
def the_axis(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    batch = rng.standard_normal((2, 2, 3, 4))  # (B, H, T, S)
    right, wrong = (softmax_forward(batch[0, 0], axis=axis)[0] for axis in (-1, -2))
    (t, s), per_head = right.shape, softmax_forward(batch)[0].sum(axis=-1)
    rows, columns, across = wrong.sum(axis=-1), right.sum(axis=-2), (*numbered(s, "k"), "sum")
    yield "A layer's scores are (B, H, T, S). Softmax runs over the last axis, the keys:"
    yield question(f"{t} queries, {s} keys, softmax over the keys: the sum of all {t * s} weights?", right.sum(), f"Each of the {t} rows sums to 1. Columns need not.", 0.001)  # fmt: skip
    both = np.concatenate([right, wrong])
    names = [f"{way} q{i + 1}" for way in ("right", "wrong") for i in range(t)]
    yield matrix("over keys (right), over queries (wrong)", np.hstack([both, both.sum(axis=-1, keepdims=True)]), "query, key", names, across)  # fmt: skip
    yield f"Over the wrong axis rows sum to {rows.min():.2f} .. {rows.max():.2f}: no averages, and no error. Over the right one columns sum to {columns.min():.2f} .. {columns.max():.2f}: some keys are read more."
    yield agree("rows", f"all {per_head.size} rows of {batch.shape} sum to 1", per_head, 1.0)
    yield at_least("wrong-axis", "the wrong axis breaks the row sums: worst", 1e-6, float(abs(rows - 1).max()))
    yield Try.here(seed=run.seed + 1)


@lesson.step("For later: the wrong axis leaks the future through a mask")
def the_leak(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n = 5
    right, wrong = moved_by_the_last_query(rng, n)
    rows = [{"row": f"token {i + 1}", "right": right[i], "wrong": wrong[i]} for i in range(n)]
    yield f"A model that writes must not see what comes later. So for every query the scores of later keys are set to -inf, and exp(-inf) = 0: the causal mask, which comes with attention. Here the query of the last of {n} tokens is changed; the outputs before it must not move."
    title = f"How far each output moves when token {n} asks something else"
    yield table(title, rows, row="output of", right="over keys :3", wrong="over queries :3")
    yield "A column that is normalised over the queries shares one unit among all tokens that may read this key, later ones included. When a later token takes more, an earlier one gets less: it has seen the future, although every blocked weight is exactly 0."
    yield exactly("kept", "over keys: earlier outputs move by", 0.0, float(right[:-1].max()))
    yield at_least("leak", "over queries: earlier outputs move by", 1e-9, float(wrong[:-1].max()))
    yield over_queries


COLUMNS = {rival.key: rival.label for rival in RIVALS}


@lesson.step("For later: three other ways from scores to weights")
def other_weights(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    scores, weights = run.scores, {rival.key: rival.forward(run.scores)[0] for rival in RIVALS}
    rows = [{"score": f"{score:g}", **{key: float(w[i]) for key, w in weights.items()}} for i, score in enumerate(scores)]  # fmt: skip
    rows.append({"score": "sum", **{key: float(w.sum()) for key, w in weights.items()}})
    yield "Sparsemax is the distribution nearest to the scores; it drops keys that are far behind. Normalised ReLU drops every score that is not above 0, so it sees more than gaps, and without a positive score there are no weights. Sigmoid weighs each key for itself: no competition, no fixed sum."
    yield formula("sparsemax    max(s - tau, 0), with tau such that the sum is 1")
    yield formula("norm. ReLU   r / sum r,  r = max(s, 0)")
    yield formula("sigmoid      1 / (1 + exp(-s))")
    yield table("Weights on your scores", rows, score="score", **COLUMNS)
    yield agree("sums", "softmax and sparsemax sum to 1", [weights[key].sum() for key in ("softmax", "sparsemax")], 1.0)
    said = "squared distance to the scores: sparsemax's less the least of 5,000 random distributions"
    yield at_most("nearest", said, 1e-9, nearer_than(rng, scores, weights["sparsemax"]))
    yield sparsemax_forward
    yield Try.here(scores="-1,0")


@lesson.step("For later: what each of them lets back through")
def other_gradients(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    scores, dy = run.scores, rng.standard_normal(run.scores.size)
    back = {rival.key: rival.backward(dy, rival.forward(scores)[1]) for rival in RIVALS}
    rows = [{"score": f"{s:g}", "dp": dy[i], **{key: dx[i] for key, dx in back.items()}} for i, s in enumerate(scores)]
    blind = int(((back["sparsemax"] == 0) & (sparsemax_forward(scores)[0] == 0)).sum())
    yield table("The gradient of each score, for one random gradient dp of the weights", rows, score="score", dp="dp :3", **COLUMNS)  # fmt: skip
    yield formula("softmax: p (dp - p.dp)     sparsemax: dp - its mean, over keys with weight")
    yield f"A key without weight gets no gradient from sparsemax ({blind} of {scores.size} here): through this row it cannot earn its way back. Softmax gives every key weight, so none is cut off, and is differentiable everywhere; sparsemax and ReLU have kinks. The softmax gradients sum to 0, because a shift of the whole row does nothing."
    yield Source("Martins and Astudillo", 2016, "From Softmax to Sparsemax", "sections 2.2 and 2.5")
    yield agree("zero-sum", "softmax gradients sum to 0", back["softmax"].sum())
    yield at_most("all-four", "all four backwards against finite differences, relative error", 1e-9, worst_gradient(rng))  # fmt: skip
    yield sparsemax_backward
    yield normalised_relu_backward


@lesson.step("For later: from loops to the code in use")
def the_ladder(run: Run) -> Iterator[Shown]:
    rungs = ladder("softmax").rungs
    yield f"{len(rungs)} ways to write the same softmax; each is checked against the one before. Why each should be quicker, and whether it is on your machine, the benchmark says."
    yield table("From rung to rung", [{"rung": rung.name, "change": rung.change.removeprefix("tfx.ops.basics.softmax.")} for rung in rungs], rung="rung", change="what changes")  # fmt: skip
    yield from (step for step in rung_steps("softmax") if isinstance(step, Check))
    yield rungs[0].function
    yield softmax_forward
    yield Try("tfx bench ladder softmax")


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    yield "Softmax turns each query's scores into positive weights that sum to 1 over the keys, the last axis of (B, H, T, S). It is differentiable everywhere and sees only gaps, so taking off the maximum first keeps exp from overflowing."
    yield "How sharp a row is depends on the scale of the scores. The weights are a distribution, not calibrated probabilities. There are others: sparsemax gives up a weight for every key, sigmoid the sum of 1. Linear attention gives up exp(q . k) for a product phi(q) . phi(k) of positive features, so that the sums over keys are computed once for all queries."
    yield Source("Bridle", 1990, "Probabilistic Interpretation of Feedforward Classification Network Outputs")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield Source("Ramapuram et al.", 2024, "Theory, Analysis, and Best Practices for Sigmoid Self-Attention")
    yield Source("Katharopoulos et al.", 2020, "Transformers are RNNs")
    yield proof("softmax", softmax_forward, softmax_backward, {"x": rng.standard_normal((3, 5))})
    yield See("softmax-jacobian")
    yield Try("tfx quiz softmax-attention")
