"""Additive and dot-product scores side by side: values, spread, parameters, work, memory, time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_most, exactly, formula, lines, matrix, numbered, proof,
    question, setting, table, within,
)  # fmt: skip
from tfx.lab.attention.pair_scores import draw_scorer, seconds, spread, work
from tfx.measure.measuring import told_apart
from tfx.measure.power_laws import fit_power_law
from tfx.measure.verdicts import largest
from tfx.ops.attention.additive_attention import additive_scores_backward, additive_scores_forward
from tfx.ops.attention.attend import attend_forward
from tfx.ops.basics.softmax import softmax_forward


@dataclass(frozen=True)
class Settings:
    n: int = setting(128, 2, 512, "T, the tokens in the counts and the timing")
    d: int = setting(64, 1, 512, "D, the width of a query")
    hidden: int = setting(64, 1, 512, "d_a, the hidden units of the additive score")

    def bytes_needed(self) -> float:
        """The hidden tensor before and after tanh, in float32."""
        return 2 * 4.0 * self.n * self.n * self.hidden


class Run:
    """q: (4, 3), k: (5, 3): a few small queries and keys, and an additive scorer with 4 hidden units for them."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.n, self.d, self.hidden = settings.n, settings.d, settings.hidden
        rng = np.random.default_rng(request.seed)
        self.q, self.k = rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
        self.scorer = draw_scorer(rng, 3, 4)


lesson = Lesson(Run, Settings)


@lesson.step("Two ways to score a pair")
def two_formulas(run: Run) -> Iterator[Shown]:
    q, k = run.q, run.k
    dot, (additive, _) = q @ k.T, additive_scores_forward(q, k, *run.scorer)
    labels = numbered(4, "q"), numbered(5, "k")
    yield "Attention needs a number for every pair of query and key. The dot product multiplies coordinate by coordinate and adds up. The additive score is a network with one hidden layer of d_a units (W_q, W_k, b, v_a are learned)."
    yield formula("dot:       s_ij = q_i . k_j", "(T, D) x (D, S) -> (T, S)")
    yield formula("additive:  s_ij = v_a . tanh(q_i W_q + k_j W_k + b)")
    yield matrix("dot-product scores", dot, "query, key", *labels, focus=[0])
    yield matrix("additive scores", additive, "query, key", *labels, focus=[0])
    rest = [attend_forward(scores, k)[0] for scores in (dot, additive)]
    yield agree("same-softmax", "the rest of attention is the same", rest, [softmax_forward(scores)[0] @ k for scores in (dot, additive)], to=1e-14)  # fmt: skip


@lesson.step("What came before 2017, and what was new")
def the_history(run: Run) -> Iterator[Shown]:
    forms = [
        {"form": "additive", "score": "v_a . tanh(q W_q + k W_k + b)", "paper": "Bahdanau et al. 2015"},
        {"form": "dot", "score": "q . k", "paper": "Luong et al. 2015"},
        {"form": "general", "score": "q W k^T", "paper": "Luong et al. 2015"},
        {"form": "scaled dot", "score": "q . k / sqrt(D)", "paper": "Vaswani et al. 2017"},
    ]
    yield table("four forms of a score, in papers on translation", forms, form="form", score="score", paper="paper")  # fmt: skip
    yield "Whatever the form, a softmax over the keys follows, and then the weighted average of the values. Both kinds of score are older than the Transformer, and were used inside RNN translators."
    yield "What 2017 added was the division by sqrt(D), several heads side by side, and attention as the only way in which positions talk to each other."
    yield Source("Bahdanau, Cho and Bengio", 2015, "Neural Machine Translation by Jointly Learning to Align and Translate")  # fmt: skip
    yield Source("Luong, Pham and Manning", 2015, "Effective Approaches to Attention-based Neural Machine Translation", "section 3.1")  # fmt: skip


@lesson.step("One additive score, by hand")
def one_pair(run: Run) -> Iterator[Shown]:
    scorer = run.scorer
    scores, cache = additive_scores_forward(run.q, run.k, *scorer)
    before, hidden = run.q[0] @ scorer.w_q + run.k[0] @ scorer.w_k + scorer.b, cache.hidden[0, 0]
    terms = " + ".join(f"({v:.3f})({h:.3f})" for v, h in zip(scorer.v, hidden, strict=True))
    rows = np.stack([before, hidden, scorer.v])
    yield "Call z what goes into tanh: one number for each hidden unit u."
    yield matrix("q1 meets k1", rows, "quantity, hidden unit", ("z", "tanh(z)", "v_a"), numbered(hidden.size, "u"))
    yield question(f"v_a . tanh(z) = {terms}. What is the score?", scores[0, 0], "Multiply, then add.")
    yield "The vector v_a at the end is needed: tanh gives a vector for every pair, and a score is one number."
    yield additive_scores_forward


@lesson.step("How far scores spread as the width grows")
def the_spread(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    tokens, hidden, wide = 128, 16, 256
    rows = spread(rng, (4, 16, 64, 256, 1024), tokens, hidden)
    grown = math.sqrt(wide) * spread(rng, (wide,), tokens, wide)[0]["additive"]  # v_a of variance 1 for 1/wide
    widths = [row["d"] for row in rows]
    growth = fit_power_law(widths, [row["dot"] for row in rows]).exponent
    passed = largest(row["largest"] / row["bound"] for row in rows)
    yield table(f"standard deviation of {tokens**2:,} scores; d_a = {hidden}, v_a of variance 1/{hidden}", rows, d="D", dot="dot :3", scaled="dot/sqrt(D) :3", additive="additive :3", bound="its bound :3")  # fmt: skip
    curves = {name: [row[name] for row in rows] for name in ("dot", "scaled", "additive")}
    yield Plot(f"Raw dot-product scores spread like D^{growth:.2f}; additive ones do not", "width D", "standard deviation of the scores", lines(widths, **curves, root_of_D=math.sqrt), log_x=True, log_y=True)  # fmt: skip
    yield formula("|v_a . tanh(z)| <= sum of |v_a|        whatever q and k are")
    yield f"The bound does not see D, but it is no gift: with d_a = {wide} and v_a of variance 1 additive scores at D = {wide} would spread by {grown:.1f}."
    yield at_most("bounded", "no additive score passes its bound: largest share of it", 1.0, passed)
    yield within("root", "dot products spread like sqrt(D): exponent", 0.5, growth, 0.05)


@lesson.step("So which is better at large widths?")
def which_is_better(run: Run) -> Iterator[Shown]:
    yield "It is at LARGE widths that unscaled dot products spread widely and saturate the softmax. Divided by sqrt(D), they spread alike at every width."
    yield Said("Dot products are better for small widths, additive scores for large ones.", "too strong", "Vaswani et al. report that both do alike at small widths, and that at large ones the dot product falls behind WITHOUT the scale; that is where 1/sqrt(D) came from. In the recurrent translators of Britz et al. additive scores stayed slightly ahead. It depends on the task.")  # fmt: skip
    yield Source("Britz et al.", 2017, "Massive Exploration of Neural Machine Translation Architectures", "section 4.5")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield See("scaling-variance", "the_sum")


@lesson.step("Counting the work")
def the_work(run: Run) -> Iterator[Shown]:
    n, d, big = run.n, run.d, 512
    title = f"T = S = {n}, D = {d}, d_a = {run.hidden}: multiply-adds, tanh evaluations, parameters"
    yield table(title, work(n, d, run.hidden), part="part", dot="dot :12", additive="additive :12")
    yield "Projections are paid once for each token, all else for each pair. So for many tokens both are of the order of T^2 times a width, and the order does not decide; what has to be stored, and how it is computed, does."
    counted = work(big, big, big)[0]["dot"]
    why = f"T * T scores, each a sum of D products: {big} * {big} * {big}."
    yield question(f"How many multiply-adds does Q K^T take at T = D = {big}?", counted, why, 0.005)
    yield f"{counted:,} multiply-adds are {2 * counted:,} FLOPs; with the product P V as well, {4 * counted:,}. Many printed tables mix the two counts."
    yield Try.here(n=512, d=512, hidden=512)


@lesson.step("What has to be stored")
def the_memory(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    q, k = (rng.standard_normal((run.n, run.d)).astype(np.float32) for _ in range(2))
    scores, cache = additive_scores_forward(q, k, *draw_scorer(rng, run.d, run.hidden, np.float32))
    arrays = {"scores, either way": scores, "hidden tanh, additive only": cache.hidden}
    rows = [{"array": name, "shape": str(x.shape), "bytes": x.nbytes} for name, x in arrays.items()]
    title = f"float32, T = S = {run.n}, d_a = {run.hidden}, measured on the arrays themselves"
    yield table(title, rows, array="array", shape="shape", bytes="bytes :12")
    ratio = cache.hidden.nbytes / scores.nbytes
    yield f"The hidden tensor is {ratio:.0f} times the scores, because every pair has d_a numbers, and the backward pass needs all of them, kept or made again. At T = S = 512, d_a = 64 that is {512 * 512 * 64 * 4 / 1e6:.0f} MB against {512 * 512 * 4 / 1e6:.0f} MB. A loop over chunks needs less memory and no less work."
    yield exactly("ratio", "hidden / scores = d_a", float(run.hidden), ratio)
    yield Try.here(n=512)


@lesson.step("What it costs on this machine")
def the_time(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    times = seconds(rng, run.n, run.d, run.hidden)
    dot, additive = times["dot"], times["additive"]
    rows = [
        {"how": how, "us": time.median * 1e6, "spread": time.half_range * 1e6, "ratio": time.median / dot.median}
        for how, time in (("dot product", dot), ("additive", additive))
    ]
    title = f"scores only, T = S = {run.n}, D = {run.d}, d_a = {run.hidden}, float32, one thread, medians"
    yield table(title, rows, how="scores", us="time [us] :3", spread="+- half range :2", ratio="ratio :3")
    if told_apart(dot, additive):
        yield f"Measured just now: {additive.median / dot.median:.1f} times. No fixed factor is a law: it moves with T, D and the machine. The reason stays: one matrix product against T * T * d_a numbers written, read and sent through tanh."
    else:
        yield "The two differ by less than their turns scatter: they are close, or this machine is too busy to say."
    yield Said("Additive attention is slow because it is sequential.", "false", "The tanh works on every entry by itself, so all may run at once. The sentence confuses the score with the RNN in which it was first used.")  # fmt: skip
    yield Try.here(n=256)


@lesson.step("A trap: projecting twice")
def projecting_twice(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x, y = rng.standard_normal((4, 6)), rng.standard_normal((5, 6))
    project_q, project_k = rng.standard_normal((2, 6, 5))
    w_q, w_k, b, v = draw_scorer(rng, 5, 4)
    twice, _ = additive_scores_forward(x @ project_q, y @ project_k, w_q, w_k, b, v)
    once, _ = additive_scores_forward(x, y, project_q @ w_q, project_k @ w_k, b, v)
    yield formula("(X W_Q) W_q = X (W_Q W_q)        two linear maps in a row are one")
    yield "Dot-product scoring adds no parameters to the projections that make q and k. Some listings of additive scoring first make queries and keys with W_Q and W_K and then apply W_q and W_k as well. As long as d_a is at most the width of q, the second pair adds parameters and nothing else: the same scores come from the product of the two."
    yield agree("collapse", "project twice = project once", twice, once)
    yield "What additive scoring then really adds to projected queries and keys is v_a and a bias: 2 * d_a numbers."


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Dot-product scores are one matrix product. Additive scores run a small tanh network on every pair: for many tokens the same order of work, but T * T * d_a numbers to store, and no single matrix product to do it."
    yield "At large widths raw dot products saturate the softmax, and dividing by sqrt(D) repairs that, which is why the Transformer could keep the cheap form. Additive scores are bounded by the sum of |v_a|, whatever D is."
    inputs = {"q": run.q, "k": run.k, **run.scorer._asdict()}
    yield proof("additive scores", additive_scores_forward, additive_scores_backward, inputs)
    yield additive_scores_backward
    yield Try("tfx quiz attention-additive-vs-dot")
