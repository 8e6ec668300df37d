"""Shapes in attention: every array of the reader's sentence with its axes named, and what happens when two do not fit.

It comes before queries, keys and values are made, and before the softmax: what a query, a key, a value, a score and a
weight are, the topic on soft lookup has said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, by_hand, exactly, formula, matrix, proof, question,
    setting, table, within,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.lab.attention.shape_mistakes import provoke, raised_mistakes, silent_mistakes
from tfx.lab.attention.shape_trace import Traced, random_weights, trace_many_heads, trace_one_head
from tfx.lab.attention.word_vectors import word_vectors
from tfx.ops.attention.multi_head import split_heads
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward, check_attention_shapes
from tfx.shapes import LETTERS

DEFAULT_TEXT = "the cat sat on the mat"
DEFAULT_OTHER = "le chat dort"
COLUMNS = {"name": "array", "made": "made by", "axes": "axes", "shape": "shape"}
VALUES = {"Dv": "value width"}
AXES = {
    "B": "sentences at once",
    "T": "one query for each token",
    "S": "keys, each with its value",
    "C": "numbers of a token",
    "H": "later in this topic",
    "D": "numbers of a query or key",
    "Dv": "numbers of a value",
}


@dataclass(frozen=True)
class Settings:
    batch: int = setting(2, 1, 16, "B, sentences in the batch")
    heads: int = setting(2, 1, 16, "H, heads; they share out d_model equally")
    d_model: int = setting(8, 2, 256, "C, width of a token")
    d_v: int = setting(3, 1, 64, "Dv, width of one head's values")
    other: str = setting(DEFAULT_OTHER, about="the sentence that cross-attention reads, at most 64 words")

    def check(self) -> None:
        if self.d_model % self.heads:
            raise BadInput(f"d_model = {self.d_model} cannot be shared out equally over {self.heads} heads.", f"For example: --set d_model={self.heads * 4} --set heads={self.heads}")  # fmt: skip
        self.others()

    def others(self) -> tuple[str, ...]:
        return read_words(self.other, DEFAULT_OTHER, at_least=1, setting="other")


class Run:
    """words, others: the two sentences.  x: (B, T, C), y: (B, S, C): a random vector for each of their words, the same
    for equal words; the other sentences of the batch are random."""

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        s, rng = self.settings, np.random.default_rng(request.seed)
        self.words = read_words(request.text, DEFAULT_TEXT)
        self.others = s.others()
        self.x, self.y = (rng.standard_normal((s.batch, len(words), s.d_model)) for words in (self.words, self.others))
        self.x[0], self.y[0] = (word_vectors(words, s.d_model, request.seed) for words in (self.words, self.others))
        self.w = random_weights(rng, s.d_model, s.heads, s.d_v)
        self.d = s.d_model // s.heads
        d, x = self.d, self.x[0]
        self.q, self.k, self.v = x @ self.w.w_q[:, :d], x @ self.w.w_k[:, :d], x @ self.w.w_v[:, : s.d_v]

    @cached_property
    def one(self) -> Traced:
        """One head, one sentence."""
        return trace_one_head(self.q, self.k, self.v)

    @cached_property
    def many(self) -> Traced:
        """All heads, all sentences."""
        return trace_many_heads(self.x, self.x, self.w, self.settings.heads)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("Seven letters name every axis")
def the_letters(run: Run) -> Iterator[Shown]:
    s, t = run.settings, len(run.words)
    sizes = {"B": s.batch, "T": t, "S": f"{t}; cross-attention: {len(run.others)}", "C": s.d_model, "H": s.heads, "D": run.d, "Dv": s.d_v}  # fmt: skip
    rows = [
        {"letter": letter, "means": f"{(LETTERS | VALUES)[letter]}: {AXES[letter]}", "here": str(size)}
        for letter, size in sizes.items()
    ]
    total = s.batch * t * s.d_model
    yield f"A shape is the size of each axis: ({t}, {s.d_model}) is {t} rows of {s.d_model} numbers."
    title = f"Your sentence: {' '.join(labels(run.words[:6]))}{' ...' if t > 6 else ''}"
    yield table(title, rows, letter="letter", means="axis", here="here")
    yield question("The input X is (B, T, C). How many numbers is that here?", total, f"{s.batch} x {t} x {s.d_model} = {total}", 0)  # fmt: skip
    yield "T counts queries, S counts keys. In self-attention both are the length of the sentence, and so they are easily confused. D is C / H by custom, Dv is free. Papers write n for T, h for H, d_model for C, d_k for D, d_v for Dv."


@lesson.step("One sentence: every product and its axes")
def one_head(run: Run) -> Iterator[Shown]:
    n, out, weights = len(run.words), run.one.out, run.one.weights
    yield "Every token gets a query, a key and a value: its row of X times a matrix, W_Q, W_K or W_V (the next topic). They are the rows of Q, K and V."
    yield table("Traced just now", run.one.rows(), **COLUMNS)
    yield formula("Q K^T", f"(T, D) x (D, S) -> (T, S): D = {run.d} is summed away")
    yield formula("weights V", f"(T, S) x (S, Dv) -> (T, Dv): S = {n} is summed away")
    yield "K^T: K transposed. The two inner sizes must be equal, and they disappear."
    found = f"{weights.shape}, {out.shape[0]}"
    yield exactly("square", f"weights are {n} x {n}, output has {n} rows", f"{(n, n)}, {n}", found)
    yield attention_forward
    yield Try.here(heads=1)


@lesson.step("Rows are queries, columns are keys")
def rows_and_columns(run: Run) -> Iterator[Shown]:
    shown = min(len(run.words), 8)
    names, scores = labels(run.words[:shown], 8), run.q @ run.k.T
    i, j = shown - 1, 1
    entry = sum(float(a) * float(b) for a, b in zip(run.q[i], run.k[j], strict=True))
    same = " Equal words have equal vectors (until positions come), so equal rows and columns." * (
        len({*run.words[:shown]}) < shown
    )
    first = "" if shown == len(run.words) else f", first {shown} of {len(run.words)} tokens"
    yield matrix(f"raw scores Q K^T{first}", scores[:shown, :shown], "query, key", names, names)
    yield f'Row {i + 1}, column {j + 1} is the query of "{names[i]}" with the key of "{names[j]}": {by_hand(run.q[i], run.k[j])} = {entry:.3f}.{same}'
    yield "Read along a row to see what one token looks at: the softmax makes shares of it that add up to 1. Read down a column to see who looks at one token. The matrix has no reason to be symmetric."
    yield within("entry", "the entry by hand", entry, float(scores[i, j]), 1e-12)
    yield agree("sums", "every row of weights sums to 1", run.one.weights.sum(axis=-1), 1.0)
    yield Try.here(heads=1)


@lesson.step("Many heads, many sentences: two axes in front")
def many_heads(run: Run) -> Iterator[Shown]:
    s, weights = run.settings, run.many.weights
    n = len(run.words)
    rows = [row for row in run.many.rows() if row["name"] not in ("X", "K", "V", "scores")]
    yield table(f"Heads are attentions side by side, with queries and keys {run.d} wide (later)", rows, **COLUMNS)  # fmt: skip
    why = f"{s.batch} x {s.heads} x {n} x {n}. Twice the tokens make four times as many."
    yield question("A T x T matrix for each head and sentence: how many weights are that?", weights.size, why, 0)  # fmt: skip
    yield "Products work on the last two axes; B and H, in front, only count copies."
    yield exactly("per-head", "weights are (B, H, T, T)", str((s.batch, s.heads, n, n)), str(weights.shape))
    yield split_heads


@lesson.step("Cross-attention: T queries, S keys, a T x S matrix")
def across(run: Run) -> Iterator[Shown]:
    traced = trace_many_heads(run.x, run.y, run.w, run.settings.heads)
    (t, s), rows = traced.weights.shape[-2:], traced.out.shape[-2]
    wanted = len(run.words), len(run.others)
    shape = "square only because both have the same length" if t == s else "not square"
    shown = [row for row in traced.rows() if row["name"] not in ("X", "X W_Q", "scores", "concat")]
    yield table(
        f'Queries from your {t} tokens, X; keys and values from "{" ".join(labels(run.others[:4]))}{" ..." * (len(run.others) > 4)}", Y',
        shown,
        **COLUMNS,
    )
    yield f"Each head's matrix is {t} x {s}, {shape}. Outputs follow the queries: {rows} of them, however long Y is."
    yield Said("Attention weights are an n x n matrix.", "true with conditions", "In self-attention, where T = S. In cross-attention they are T x S.")  # fmt: skip
    yield exactly("cross", "weights end in (T, S), output has T rows", f"{wanted}, {wanted[0]}", f"{(t, s)}, {rows}")
    yield Try.here(other="le chat noir dort")


@lesson.step("How wide is the output?")
def the_width(run: Run) -> Iterator[Shown]:
    traced, x, (h, dv, c) = run.many, run.x, (run.settings.heads, run.settings.d_v, run.settings.d_model)
    without = provoke("x + concat", lambda: x + traced.merged)
    if without.kind:
        said = f'Without it the sum fails: "{without.message}".'
    elif h * dv == c:
        said = f"Here H * Dv = C = {c}, so the sum would even work without it; but this layer would then not mix its heads."
    else:
        said = f"Here the sum without it is possible only because a width of 1 is stretched to {c}: a silent mistake."
    here = [array.shape[-1] for array in (traced.heads, traced.merged, traced.out)]
    stages = zip(("one head", "side by side", "after W_O"), ("Dv", "H * Dv", "C"), here, strict=True)
    rows = [{"stage": stage, "rule": rule, "here": size} for stage, rule, size in stages]
    yield "What attention gives for a token is added to the token's own vector, so both must be equally wide. (The sum is called the residual connection; more of it later.)"
    yield table("The last axis on the way out", rows, stage="stage", rule="width", here="here")
    yield formula("X + concat(heads) W_O", f"(B, T, {c}) + (B, T, {h * dv}) x ({h * dv}, {c})")
    yield f"W_O, one more learned matrix, mixes the heads and brings them back to C. {said} Equal widths in and out also let layers be stacked."
    yield exactly("widths", "Dv, H*Dv, C", f"{dv}, {h * dv}, {c}", ", ".join(map(str, here)))
    yield exactly("residual", "output and x + output have the shape of x", f"{x.shape}, {x.shape}", f"{traced.out.shape}, {(x + traced.out).shape}")  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.2")
    yield Try.here(d_v=c // h if dv != c // h and c // h <= 64 else dv % 64 + 1)


@lesson.step("When two axes do not fit, and what you are told")
def what_raises(run: Run) -> Iterator[Shown]:
    t, s = len(run.words), len(run.others)
    found = raised_mistakes(t, s, run.d)
    title = f"Really called, with {t} queries, {s} key{'s' * (s > 1)}, width {run.d}"
    yield table(title, [mistake._asdict() for mistake in found], tried="mistake", message="tfx answers")
    yield "A query meets a key coordinate by coordinate, so Q and K share D. Every weight belongs to a key and picks its value, so K and V share S. Nothing has to match T and Dv, but for a mask (later): a yes or no for each query and key. Axes in front are matched from the right."
    yield exactly("raised", "mistakes that passed unnoticed", 0, sum(not mistake.kind for mistake in found))
    yield check_attention_shapes
    yield Try.here(d_model=16 * run.settings.heads)


@lesson.step("The mistakes that raise nothing")
def what_does_not(run: Run) -> Iterator[Shown]:
    x, heads = run.x, run.settings.heads
    found = silent_mistakes(x, run.w, heads)
    harmful = [mistake for mistake in found if heads > 1 or mistake.tried == "weights transposed"]
    rows = [{"tried": mistake.tried, "shape": str(mistake.shape), "error": mistake.error} for mistake in found]
    yield table(f"Right shape {x.shape}, wrong numbers", rows, tried="mistake", shape="output", error="largest error :3")  # fmt: skip
    lone = " With one head there is nothing to swap: set heads=2 to see the damage." * (heads == 1)
    yield f"(B, T, C) -> (B, H, T, D) by reshape alone cuts the sentence into H pieces instead of the width. Reshape to (B, T, H, D), then swap T and H; on the way back swap first, then reshape.{lone}"
    yield "The transposed weights fit only because T = S, so test with sizes that are all different. The two reshapes fit at any size: only the numbers show them, next to a plain loop over the heads."
    yield exactly("same-shape", "mistakes with the right shape", len(found), sum(mistake.shape == x.shape for mistake in found))  # fmt: skip
    yield at_least("wrong-numbers", "smallest damage done", 1e-6, float(np.min([mistake.error for mistake in harmful])))
    yield silent_mistakes
    yield Try.here(heads=1 if heads > 1 else 2)


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    shapes = {"q": (2, 3, 5, 4), "k": (2, 3, 7, 4), "v": (2, 3, 7, 6)}  # B H T|S D|Dv, all different
    inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    out, cache = attention_forward(inputs["q"], inputs["k"], inputs["v"])
    grads = attention_backward(rng.standard_normal(out.shape), cache)
    yield "For each head Q is (T, D), K is (S, D) and V is (S, Dv). Scores and weights are (T, S), with queries as rows and keys as columns, and the output is (T, Dv); papers write n x d_k and n x d_v. In a batch (B, H) stands in front. In self-attention S = T; in cross-attention S is the other length."
    yield "The heads side by side are H * Dv wide, and W_O brings them back to C, because the output is added to the input. On the way back, in training, every gradient has the shape of what it belongs to."
    yield exactly("grad-shapes", "dq, dk, dv have the shapes of q, k, v", str([*shapes.values()]), str([grad.shape for grad in grads]))  # fmt: skip
    yield proof(f"attention at q {shapes['q']}, k {shapes['k']}", attention_forward, attention_backward, inputs)
    yield See("attention-qkv")
    yield Try("tfx quiz attention-shapes")
