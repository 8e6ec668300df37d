"""Softmax as attention weights: what it does to a row, how it is computed safely, along which axis, and what else."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lessons.writing import (
    Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, lines, matrix, numbered,
    proof, question, setting, table, within,
)  # fmt: skip
from tfx.bench.ladders.climbing import rung_steps
from tfx.errors import BadInput
from tfx.gradcheck.mistakes.ops.basics.softmax import maximum_not_subtracted as naive_softmax
from tfx.lab.softmax_limits import moved_by_the_last_query, over_queries, overflow_limit, top_in_words, zero_gap
from tfx.lab.softmax_rivals import RIVALS, nearer_than, worst_gradient
from tfx.measure.sharpness import entropy_share
from tfx.measure.verdicts import largest
from tfx.ops.basics.normalised_relu import normalised_relu_backward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.basics.sparsemax import sparsemax_backward, sparsemax_forward


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


@lesson.step("From scores to weights: exponentiate, then share out")
def one_row(run: Run) -> Iterator[Shown]:
    scores, (weights, _) = run.scores, softmax_forward(run.scores)
    e, gap = np.exp(scores - scores.max()), float(scores[0] - scores[1])
    parts = zip(run.keys, scores, e, weights, strict=True)
    rows = [dict(zip(("key", "score", "e", "weight"), part, strict=True)) for part in parts]
    by_hand, measured = math.exp(gap), float(weights[0] / weights[1])
    yield "A query has a score for each of S keys. We want weights: not negative, summing to 1, larger where the score is larger, and smooth in the scores, so that gradients pass. Softmax gives all four:"
    yield formula("w_i = exp(s_i) / sum_k exp(s_k)", "(S) -> (S)")
    why = f"The sum cancels in w_1 / w_2 = exp(s_1 - s_2) = exp({gap:g})."
    asked = f"By what factor does k1 (score {scores[0]:g}) outweigh k2 (score {scores[1]:g})?"
    yield question(asked, by_hand, why)
    yield table("One query's row; the largest score is taken off before exp", rows, key="key", score="score s", e="exp(s - max)", weight="weight")  # fmt: skip
    yield f"By hand: k1 gets {e[0]:.4g} / {e.sum():.4g} = {weights[0]:.4g}. Every weight is positive, because exp is; they sum to 1, because each is divided by the sum; and a gap in score becomes a ratio of weights: w_1 / w_2 = {by_hand:.4g}. One more unit of score multiplies the ratio to every other key by e = {math.e:.3f}, but not the weight itself."
    yield agree("sum", "the weights sum to 1", weights.sum(), 1.0)
    yield within("ratio", "w_1 / w_2 = exp(s_1 - s_2)", by_hand, measured, 1e-12 * by_hand)
    yield Source("Bridle", 1990, "Probabilistic Interpretation of Feedforward Classification Network Outputs")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield softmax_forward
    yield Try.here(scores="4,2.4,0.2,-2")


@lesson.step("Adding a constant to the row changes nothing")
def the_shift(run: Run) -> Iterator[Shown]:
    scores, shift = run.scores, run.shift
    weights, shifted, level = (softmax_forward(row)[0] for row in (scores, scores + shift, np.full(scores.size, shift)))
    rounding = 8 * float(np.finfo(np.float64).eps) * (1 + abs(shift) + float(abs(scores).max()))
    yield "Add c to every score of the row. The factor exp(c) cancels, so softmax sees only gaps:"
    yield formula("exp(s_i + c) / sum_k exp(s_k + c) = exp(s_i) / sum_k exp(s_k)")
    names = ("as it is", f"all {shift:+g}", f"all = {shift:g}")
    yield matrix("weights", np.stack([weights, shifted, level]), "row, key", names, run.keys, "In the last row all scores are equal.")  # fmt: skip
    yield Said("Large scores saturate softmax.", "too strong", f"Large gaps do. A row of equal scores is uniform at any height, here {level[0]:.4f} each.", "C008")  # fmt: skip
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
    yield "On paper the same weights; m, the largest score, is taken off first:"
    yield formula("w_i = exp(s_i - m) / sum_k exp(s_k - m)     m = max_k s_k")
    title = "Largest weight of the row, all scores raised by c"
    yield table(title, rows, c="c", single="naive float32", double="naive float64", stable="stable float64")
    limits = [overflow_limit(dtype) for dtype in (np.float64, np.float32, np.float16)]
    yield f"exp overflows above {limits[0]:.1f} in float64, {limits[1]:.1f} in float32 and {limits[2]:.1f} in float16: inf / inf is NaN. Far below zero all exps are 0, and 0 / 0 is NaN. With the maximum off, the largest exp is 1 and the sum lies between 1 and S."
    yield exactly("naive", "naive weights that are NaN at c = 1000", scores.size, int(np.isnan(naive_softmax(raised)).sum()))  # fmt: skip
    yield agree("stable", "stable weights move at c = 1000 by", softmax_forward(raised)[0], softmax_forward(scores)[0], to=1e-11)  # fmt: skip
    yield naive_softmax
    yield Try.here(shift=round(limits[0] - float(scores.max())))


@lesson.step("Along which axis? Along the keys")
def the_axis(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    batch = rng.standard_normal((2, 2, 3, 4))  # (B, H, T, S)
    right, wrong = (softmax_forward(batch[0, 0], axis=axis)[0] for axis in (-1, -2))
    (t, s), per_head = right.shape, softmax_forward(batch)[0].sum(axis=-1)
    rows, columns, across = wrong.sum(axis=-1), right.sum(axis=-2), (*numbered(s, "k"), "sum")
    yield "The scores of a layer are one array: B sentences, h parallel heads, n_q queries, n_k keys."
    yield formula("scores (B, h, n_q, n_k)     softmax over the last axis", "sum over keys = 1 for every query")
    why = f"Each of the {t} rows sums to 1. Columns need not."
    yield question(f"{t} queries, {s} keys, softmax over the keys. What is the sum of all {t * s} weights?", right.sum(), why, 0.001)  # fmt: skip
    for name, weights in (("over keys (right)", right), ("over queries (wrong)", wrong)):
        with_sum = np.concatenate([weights, weights.sum(axis=-1, keepdims=True)], axis=-1)
        yield matrix(name, with_sum, "query, key", numbered(t, "q"), across)
    yield f"Over the wrong axis the columns sum to 1 and the rows to {rows.min():.2f} .. {rows.max():.2f}: outputs are no longer averages, and no error is raised. With the right axis the columns sum to {columns.min():.2f} .. {columns.max():.2f}: some keys are read more than others, which is the point."
    yield agree("rows", f"all {per_head.size} rows of {batch.shape} sum to 1", per_head, 1.0)
    yield at_least("wrong-axis", "the wrong axis breaks the row sums: worst", 1e-6, float(abs(rows - 1).max()))
    yield Try.here(seed=run.seed + 1)


@lesson.step("The wrong axis leaks the future through a correct mask")
def the_leak(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n = 5
    right, wrong = moved_by_the_last_query(rng, n)
    rows = [{"row": f"token {i + 1}", "right": right[i], "wrong": wrong[i]} for i in range(n)]
    yield f"{n} tokens under a causal mask: none may look at a later one, whose score is set to -inf. The query of the last token is changed; the outputs of the tokens before it must not move."
    title = f"How far each output moves when token {n} asks something else"
    yield table(title, rows, row="output of", right="over keys :3", wrong="over queries :3")
    yield "A column that is normalised over the queries shares one unit among all tokens that may read this key, later ones included. When a later token takes more, an earlier one gets less: it has seen the future, although every blocked weight is exactly 0."
    yield exactly("kept", "over keys: earlier outputs move by", 0.0, float(right[:-1].max()))
    yield at_least("leak", "over queries: earlier outputs move by", 1e-9, float(wrong[:-1].max()))
    yield over_queries


@lesson.step("How sharp? That depends on the scale of the scores")
def the_sharpness(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rows = []
    for factor in (0.0, 0.125, 0.5, 1.0, 2.0, 8.0, 32.0):
        w = softmax_forward(factor * run.scores)[0]
        rows.append({"s": factor, "top": float(w.max()), "low": float(w.min()), "entropy": float(entropy_share(w))})  # fmt: skip
    random_rows, keys = softmax_forward(rng.standard_normal((500, 64)))[0], 64
    share = float(entropy_share(random_rows).mean())
    first, unchanged, last = (next(row["top"] for row in rows if row["s"] == s) for s in (0.125, 1.0, 32.0))
    yield table("The same row, multiplied by a factor", rows, s="factor", top="top weight", low="least weight :3", entropy="entropy share :3")  # fmt: skip
    s, top, low = ([row[key] for row in rows] for key in ("s", "top", "low"))
    curves = lines(s, top_weight=top, least_weight=low)
    yield Plot("The larger the gaps, the sharper the row", "factor on the scores", "weight", curves)
    yield f"Softmax favours larger scores, but it is not sharp by nature. With {keys} independent normal scores of variance 1, which the division by sqrt(d_k) is there for, a row has {share:.2f} of the entropy of a uniform one. And a weight is never quite 0, until exp underflows: {zero_gap(np.float64)} below the best score in float64, {zero_gap(np.float32)} in float32."
    yield Said("Attention weights are probabilities.", "too strong", f"Each row is a distribution, yet it is not calibrated: multiply the scores by a factor (0.125, 1, 32) and the ranking stays, but the top weight is {first:.2f}, {unchanged:.2f}, {last:.2f}. No target says which is right. With dropout on the weights they do not even sum to 1 during training.")  # fmt: skip
    rises = [after["entropy"] - before["entropy"] for before, after in pairwise(rows)]
    yield at_most("entropy", "entropy never rises with the factor: largest rise", 1e-12, largest(rises))
    yield Try.here(scores="3,3,0,0")
    yield See("scaling-variance", "the_softmax")


COLUMNS = {rival.key: rival.label for rival in RIVALS}


@lesson.step("Softmax is a choice: three other ways from scores to weights")
def other_weights(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    scores, weights = run.scores, {rival.key: rival.forward(run.scores)[0] for rival in RIVALS}
    rows = [{"score": f"{score:g}", **{key: float(w[i]) for key, w in weights.items()}} for i, score in enumerate(scores)]  # fmt: skip
    rows.append({"score": "sum", **{key: float(w.sum()) for key, w in weights.items()}})
    zeros = {key: int((w == 0).sum()) for key, w in weights.items()}
    yield formula("sparsemax    max(s - tau, 0), with tau such that the sum is 1")
    yield formula("norm. ReLU   r / sum r,  r = max(s, 0)")
    yield formula("sigmoid      1 / (1 + exp(-s))")
    yield table("Weights on your scores", rows, score="score", **COLUMNS)
    yield f"Exact zeros: softmax {zeros['softmax']}, sparsemax {zeros['sparsemax']}, normalised ReLU {zeros['relu']}, sigmoid {zeros['sigmoid']}. Sparsemax is the distribution nearest to the scores; it drops keys that are far behind. Normalised ReLU drops every score that is not above 0: it is not shift invariant, and a row without a positive score has no weights at all. Sigmoid weighs each key for itself: no competition, no fixed sum."
    yield "Linear attention replaces exp(q.k) by a product phi(q).phi(k) of positive features, so the sums over keys can be computed once for all queries."
    yield agree("sums", "softmax and sparsemax sum to 1", [weights[key].sum() for key in ("softmax", "sparsemax")], 1.0)
    said = "squared distance to the scores: sparsemax's less the least of 5,000 random distributions"
    yield at_most("nearest", said, 1e-9, nearer_than(rng, scores, weights["sparsemax"]))
    yield Source("Martins and Astudillo", 2016, "From Softmax to Sparsemax", "sections 2.2 and 2.5")
    yield Source("Ramapuram et al.", 2024, "Theory, Analysis, and Best Practices for Sigmoid Self-Attention")
    yield Source("Katharopoulos et al.", 2020, "Transformers are RNNs")
    yield sparsemax_forward
    yield Try.here(scores="-1,-2,-3")


@lesson.step("... and what each lets back through")
def other_gradients(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    scores, dy = run.scores, rng.standard_normal(run.scores.size)
    back = {rival.key: rival.backward(dy, rival.forward(scores)[1]) for rival in RIVALS}
    rows = [{"score": f"{s:g}", "dy": dy[i], **{key: dx[i] for key, dx in back.items()}} for i, s in enumerate(scores)]
    blind = int(((back["sparsemax"] == 0) & (sparsemax_forward(scores)[0] == 0)).sum())
    yield table("The gradient of each score, for one random dy", rows, score="score", dy="dy :3", **COLUMNS)
    yield formula("softmax: w (dy - w.dy)     sparsemax: dy - mean of dy, both over keys with weight")
    yield f"A key without weight gets no gradient from sparsemax ({blind} of {scores.size} here): through this row it cannot earn its way back. Softmax gives every key weight, so none is cut off, and is differentiable everywhere; sparsemax and ReLU have kinks. The softmax gradients sum to 0, because a shift of the whole row does nothing."
    yield agree("zero-sum", "softmax gradients sum to 0", back["softmax"].sum())
    yield at_most("all-four", "all four backwards against finite differences, relative error", 1e-9, worst_gradient(rng))  # fmt: skip
    yield sparsemax_backward
    yield normalised_relu_backward


@lesson.step("From loops to the code in use")
def the_ladder(run: Run) -> Iterator[Shown]:
    yield "Eight ways to write the same softmax; each is checked against the one before. Which of them is how quick on your machine, the benchmark says."
    yield from rung_steps("softmax")
    yield Try("tfx bench ladder softmax")


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    yield "Softmax turns each query's scores into positive weights that sum to 1 over the keys, the last axis of (B, h, n_q, n_k). It is differentiable everywhere and sees only gaps, so the maximum may be taken off first, which keeps exp from overflowing."
    yield "How sharp a row is depends on the scale of the scores. The weights are a distribution, not calibrated probabilities. There are others: sparsemax gives up a weight for every key, sigmoid the sum of 1, linear attention the exponential."
    yield proof("softmax", softmax_forward, softmax_backward, {"x": rng.standard_normal((3, 5))})
    yield softmax_backward
    yield See("softmax-jacobian")
    yield Try("tfx quiz softmax-attention")
