"""Shapes in attention: every array of the reader's sentence with its axes named, and what happens when two do not fit."""

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
from tfx.lab.shape_mistakes import provoke, raised_mistakes, silent_mistakes
from tfx.lab.shape_trace import Traced, random_weights, trace_many_heads, trace_one_head
from tfx.ops.attention.attend import attend_forward, check_attend_shapes
from tfx.ops.attention.multi_head import split_heads
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward, check_attention_shapes
from tfx.shapes import LETTERS

DEFAULT_TEXT = "the cat sat on the mat"
COLUMNS = {"name": "array", "made": "made by", "axes": "axes", "shape": "shape"}


@dataclass(frozen=True)
class Settings:
    batch: int = setting(2, 1, 16, "B, sentences in the batch")
    heads: int = setting(2, 1, 16, "H, heads; they share out d_model equally")
    d_model: int = setting(8, 2, 256, "C, width of a token")
    d_v: int = setting(3, 1, 64, "Dv, width of one head's values")
    other: str = setting("le chat dort", about="the sentence that cross-attention reads, at most 64 words")

    def check(self) -> None:
        if self.d_model % self.heads:
            raise BadInput(f"d_model = {self.d_model} cannot be shared out equally over {self.heads} heads.", f"For example: --set d_model={self.heads * 4} --set heads={self.heads}")  # fmt: skip
        read_words(self.other, self.other, at_least=1)


class Run:
    """words, others: the two sentences.  x: (B, T, C), y: (B, S, C): a random vector for each of their words."""

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        s, rng = self.settings, np.random.default_rng(request.seed)
        self.words = read_words(request.text, DEFAULT_TEXT)
        self.others = read_words(s.other, s.other, at_least=1)
        self.x, self.y = (rng.standard_normal((s.batch, len(words), s.d_model)) for words in (self.words, self.others))
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
    sizes = {"B": s.batch, "T": t, "S": f"{t}, or {len(run.others)} across", "C": s.d_model, "H": s.heads, "D": run.d}
    rows = [{"letter": letter, "means": LETTERS[letter], "here": str(size)} for letter, size in sizes.items()]
    rows.append({"letter": "Dv", "means": "width of one head's values", "here": str(s.d_v)})
    total = s.batch * t * s.d_model
    title = f"Your sentence: {' '.join(labels(run.words[:6]))}{' ...' if t > 6 else ''}"
    yield table(title, rows, letter="letter", means="axis", here="here")
    why = f"{s.batch} x {t} x {s.d_model} = {total}"
    yield question("The input X is (B, T, C). How many numbers are that here?", total, why, 0)
    yield "T counts queries, S counts keys and values. In self-attention both are the length of your sentence, and that is why two different axes are so easily confused. D is C / H by custom; Dv is free. Papers write n for T, h for H, d_model for C, d_k for D and d_v for Dv."
    yield Try.here(text="a longer sentence of your own", heads=4)


@lesson.step("One head, one sentence: every product and its axes")
def one_head(run: Run) -> Iterator[Shown]:
    n, out, weights = len(run.words), run.one.out, run.one.weights
    why = f"Every query meets every key: {n} x {n}."
    yield question(f"How many scores does one head compute for your {n} tokens?", weights.size, why, 0)
    yield table("Traced just now", run.one.rows(), **COLUMNS)
    yield formula("Q K^T", f"(T, D) x (D, S) -> (T, S): D = {run.d} is summed away")
    yield formula("weights V", f"(T, S) x (S, Dv) -> (T, Dv): S = {n} is summed away")
    yield "One rule covers both: in a product the two inner sizes must be equal, and they disappear. What is left is one row for each query."
    found = f"{weights.shape}, {out.shape[0]}"
    yield exactly("square", f"weights are {n} x {n}, output has {n} rows", f"{(n, n)}, {n}", found)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield attention_forward
    yield attend_forward
    yield Try.here(heads=1)


@lesson.step("Rows are queries, columns are keys")
def rows_and_columns(run: Run) -> Iterator[Shown]:
    shown = min(len(run.words), 8)
    names, scores = labels(run.words[:shown], 8), run.q @ run.k.T
    i, j = shown - 1, 1
    entry = sum(float(a) * float(b) for a, b in zip(run.q[i], run.k[j], strict=True))
    first = "" if shown == len(run.words) else f", first {shown} of {len(run.words)} tokens"
    yield matrix(f"raw scores Q K^T{first}", scores[:shown, :shown], "query, key", names, names)
    yield f'Row {i + 1}, column {j + 1} is the query of "{names[i]}" with the key of "{names[j]}": {by_hand(run.q[i], run.k[j])} = {entry:.3f}.'
    yield "Read along a row to see what one token looks at; softmax runs along it. Down a column is who looks at one token. The matrix has no reason to be symmetric."
    yield within("entry", "the entry by hand", entry, float(scores[i, j]), 1e-12)
    yield agree("sums", "every row of weights sums to 1", run.one.weights.sum(axis=-1), 1.0)
    yield Try.here(text="one two three")


@lesson.step("Many heads, many sentences: two axes in front")
def many_heads(run: Run) -> Iterator[Shown]:
    s, weights = run.settings, run.many.weights
    t, n = weights.shape[-1], len(run.words)
    yield table("Self-attention", run.many.rows(), **COLUMNS)
    yield f"The weights are (B, H, T, T): one {t} x {t} matrix per head and sentence, {weights.size:,} numbers, {4 * weights.size:,} bytes in float32. Twice the tokens make four times as many."
    yield "The axes in front only count copies: products work on the last two and leave B and H alone."
    yield exactly("per-head", "weights are (B, H, T, T)", str((s.batch, s.heads, n, n)), str(weights.shape))
    yield split_heads
    yield Try.here(batch=4, d_model=min(8 * s.heads, 256 // s.heads * s.heads))


@lesson.step("Cross-attention: T queries, S keys, a T x S matrix")
def across(run: Run) -> Iterator[Shown]:
    traced = trace_many_heads(run.x, run.y, run.w, run.settings.heads)
    (t, s), rows = traced.weights.shape[-2:], traced.out.shape[-2]
    wanted = len(run.words), len(run.others)
    shape = "square only because both have the same length" if t == s else "not square"
    yield table(f'X: your {t} tokens, Y: "{" ".join(labels(run.others[:4]))}" with {s}', traced.rows(), **COLUMNS)
    yield f"Each head's matrix is {t} x {s}, {shape}. Outputs follow the queries: {rows} of them, however long Y is."
    yield Said("Attention weights are an n x n matrix.", "true with conditions", "In self-attention, where T = S = n. In cross-attention the matrix is T x S.")  # fmt: skip
    yield exactly("cross", "weights end in (T, S), output has T rows", f"{wanted}, {wanted[0]}", f"{(t, s)}, {rows}")
    yield Try.here(other="le chat dort sur le tapis")


@lesson.step("How wide is the output?")
def the_width(run: Run) -> Iterator[Shown]:
    traced, x, (h, dv, c) = run.many, run.x, (run.settings.heads, run.settings.d_v, run.settings.d_model)
    without = provoke("x + concat", lambda: x + traced.merged)
    if without.kind:
        said = f'Without W_O the residual addition fails: "{without.message}".'
    elif h * dv == c:
        said = f"Here h*d_v = d_model = {c}, so the sum would even work without W_O; but this layer would then not mix its heads."
    else:
        said = f"Here the sum without W_O is possible only because a width of 1 is stretched to {c}: a silent mistake."
    here = [array.shape[-1] for array in (traced.heads, traced.merged, traced.out)]
    stages = zip(("one head", "concatenated", "after W_O"), ("d_v", "h * d_v", "d_model"), here, strict=True)
    rows = [{"stage": stage, "rule": rule, "here": size} for stage, rule, size in stages]
    yield table("The last axis on the way out", rows, stage="stage", rule="width", here="here")
    yield formula("x + concat(heads) W_O", f"(B, T, {c}) + (B, T, {h * dv}) x ({h * dv}, {c})")
    yield f"{said} W_O brings the width back to that of the input, one vector for each query."
    yield "Equal widths in and out are also what lets layers be stacked."
    yield exactly("widths", "d_v, h*d_v, d_model", f"{dv}, {h * dv}, {c}", ", ".join(map(str, here)))
    yield exactly("residual", "output and x + output have the shape of x", f"{x.shape}, {x.shape}", f"{traced.out.shape}, {(x + traced.out).shape}")  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.2")
    yield Try.here(d_v=c // h if dv != c // h and c // h <= 64 else dv % 64 + 1)


@lesson.step("When two axes do not fit, and what you are told")
def what_raises(run: Run) -> Iterator[Shown]:
    found = raised_mistakes(len(run.words), len(run.others), run.d)
    title = f"Really called, with {len(run.words)} queries, {len(run.others)} keys, width {run.d}"
    yield table(title, [mistake._asdict() for mistake in found], tried="mistake", message="tfx answers")
    yield "q.k multiplies coordinate by coordinate, so Q and K share their width. Every weight belongs to a key and picks its value, so K and V share their length. A mask says yes or no to each (query, key). Axes in front are matched from the right."
    yield "The width of V and the length of Q are free: but for the mask, nothing has to match them."
    yield exactly("raised", "mistakes that passed unnoticed", 0, sum(not mistake.kind for mistake in found))
    yield check_attention_shapes
    yield check_attend_shapes
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
    yield "Per head Q and K are n x d_k, V is n x d_v, the scores and weights n x n with queries as rows and keys as columns, the output n x d_v. In a batch: (B, h, n, d_k) and (B, h, n, n); cross-attention makes it n_q x n_k."
    yield "Concatenation gives h*d_v, W_O brings it back to d_model, because the residual adds it to the input. Going backwards every gradient has the shape of what it belongs to."
    yield exactly("grad-shapes", "dq, dk, dv have the shapes of q, k, v", str([*shapes.values()]), str([grad.shape for grad in grads]))  # fmt: skip
    yield proof(f"attention at q {shapes['q']}, k {shapes['k']}", attention_forward, attention_backward, inputs)
    yield See("transformer-vs-rnn")
    yield Try("tfx quiz attention-shapes")
