"""Shapes in attention: every array of the reader's sentence with its axes named, and what happens when two do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.attention.shapes.fitting import raised, silent, widths
from lessons.attention.shapes.mistakes import silent_mistakes
from lessons.attention.shapes.trace import Traced, random_weights, trace_many_heads, trace_one_head
from lessons.course import Request
from lessons.sentence import labels, read_words
from tfx.errors import BadInput
from tfx.gradcheck import TOLERANCE, check_gradients
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.multi_head import split_heads
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Question, Step, Table, Text
from tfx.shapes import LETTERS

DEFAULT_TEXT = "the cat sat on the mat"


@dataclass(frozen=True)
class Settings:
    """batch, heads, d_model: B, H and C; d_v: width of one head's values; other: the sentence that cross-attention
    reads."""

    batch: int = 2
    heads: int = 2
    d_model: int = 8
    d_v: int = 3
    other: str = "le chat dort"


def walkthrough(request: Request) -> Iterator[Step]:
    """Eight steps from the letters to the gradient shapes."""
    settings: Settings = request.settings
    check_settings(settings)
    words = read_words(request.text, DEFAULT_TEXT)
    others = read_words(settings.other, settings.other, at_least=1)
    rng = np.random.default_rng(request.seed)
    x = embed(words, settings, rng)
    y = embed(others, settings, rng)
    w = random_weights(rng, settings.d_model, settings.heads, settings.d_v)
    d = settings.d_model // settings.heads
    one = trace_one_head(x[0] @ w.w_q[:, :d], x[0] @ w.w_k[:, :d], x[0] @ w.w_v[:, : settings.d_v])
    yield _letters(words, others, settings)
    yield _one_head(one, len(words), d)
    yield _the_matrix(one, x[0] @ w.w_q[:, :d], x[0] @ w.w_k[:, :d], words)
    yield _many_heads(trace_many_heads(x, x, w, settings.heads), settings)
    yield _cross(trace_many_heads(x, y, w, settings.heads), words, others)
    yield widths(x, trace_many_heads(x, x, w, settings.heads), settings.heads, settings.d_v)
    yield raised(len(words), len(others), d)
    yield silent(x, w, settings.heads)
    yield _closing(request.seed)


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting that the steps cannot use."""
    if not 1 <= settings.batch <= 16 or not 1 <= settings.d_v <= 64:
        raise BadInput("batch must be from 1 to 16 and d_v from 1 to 64.", "For example: --set batch=2 --set d_v=4")
    if not 2 <= settings.d_model <= 256 or not 1 <= settings.heads <= 16:
        raise BadInput(
            "d_model must be from 2 to 256 and heads from 1 to 16.", "For example: --set d_model=8 --set heads=2"
        )
    if settings.d_model % settings.heads:
        raise BadInput(
            f"d_model = {settings.d_model} cannot be shared out equally over {settings.heads} heads.",
            f"For example: --set d_model={settings.heads * 4} --set heads={settings.heads}",
        )


def embed(words: tuple[str, ...], settings: Settings, rng: np.random.Generator) -> np.ndarray:
    """(B, T, C) random vectors, one per position, for a batch of sentences of this length."""
    return rng.standard_normal((settings.batch, len(words), settings.d_model))


def values() -> dict[str, object]:
    """The numbers that lesson.md shows."""
    settings = Settings()
    rng = np.random.default_rng(0)
    x = embed(read_words(None, DEFAULT_TEXT), settings, rng)
    w = random_weights(rng, settings.d_model, settings.heads, settings.d_v)
    traced = trace_many_heads(x, x, w, settings.heads)
    return {
        "batch": settings.batch,
        "tokens": x.shape[1],
        "heads": settings.heads,
        "weights": str(traced.weights.shape),
        "entries": traced.weights.size,
        "scrambled": silent_mistakes(x, w, settings.heads)[0].error,
    }


def _letters(words: tuple[str, ...], others: tuple[str, ...], settings: Settings) -> Step:
    sizes = {
        "B": settings.batch,
        "T": len(words),
        "S": f"{len(words)}, or {len(others)} in step 5",
        "C": settings.d_model,
        "H": settings.heads,
        "D": settings.d_model // settings.heads,
    }
    rows = [{"letter": letter, "means": LETTERS[letter], "here": str(size)} for letter, size in sizes.items()]
    rows.append({"letter": "Dv", "means": "width of one head's values", "here": str(settings.d_v)})
    total = settings.batch * len(words) * settings.d_model
    return Step(
        "Seven letters name every axis",
        (
            Table(
                f"Your sentence: {' '.join(labels(words[:6]))}{' ...' if len(words) > 6 else ''}",
                (Column("letter", "letter"), Column("means", "axis"), Column("here", "here")),
                tuple(rows),
            ),
            Question(
                "The input X is (B, T, C). How many numbers are that here?",
                float(total),
                0.5,
                f"{settings.batch} x {len(words)} x {settings.d_model} = {total}",
            ),
            Text(
                "T counts queries, S counts keys and values. In self-attention both are the length of your sentence, "
                "and that is why two different axes are so easily confused. D is C / H by custom; Dv is free."
            ),
        ),
        ("tfx explain attention-shapes --text 'a longer sentence of your own' --set heads=4",),
    )


def _one_head(traced: Traced, n: int, d: int) -> Step:
    out, weights = traced.out, traced.weights
    fits = weights.shape == (n, n) and out.shape[0] == n
    return Step(
        "One head, one sentence: every product and its axes",
        (
            Question(
                f"How many scores does one head compute for your {n} tokens?",
                float(weights.size),
                0.5,
                f"Every query meets every key: {n} x {n}.",
            ),
            _table("Traced just now", traced),
            Formula("Q K^T", f"(T, D) x (D, S) -> (T, S): D = {d} is summed away"),
            Formula("weights V", f"(T, S) x (S, Dv) -> (T, Dv): S = {n} is summed away"),
            Text(
                "One rule covers both: in a product the two inner sizes must be equal, and they disappear. What is "
                "left is one row for each query."
            ),
            Check(
                "square", f"weights are {n} x {n}, output has {n} rows", "yes", "yes" if fits else "no", "exact", fits
            ),
            Code(attention_forward),
            Code(attend_forward),
        ),
        ("tfx explain attention-shapes --step 2 --set heads=1",),
    )


def _the_matrix(traced: Traced, q: np.ndarray, k: np.ndarray, words: tuple[str, ...]) -> Step:
    shown = min(len(words), 8)
    names = labels(words[:shown], 8)
    scores = q @ k.T
    i, j = shown - 1, 1
    by_hand = sum(float(a) * float(b) for a, b in zip(q[i], k[j], strict=True))
    error = abs(by_hand - float(scores[i, j]))
    sums = float(abs(traced.weights.sum(axis=-1) - 1).max())
    first = "" if shown == len(words) else f", first {shown} of {len(words)} tokens"
    return Step(
        "Rows are queries, columns are keys",
        (
            Matrix(f"raw scores Q K^T{first}", scores[:shown, :shown], ("query", "key"), names, names),
            Text(
                f'Row {i + 1}, column {j + 1} is the query of "{names[i]}" with the key of "{names[j]}": '
                f"{' + '.join(f'({a:.2f})({b:.2f})' for a, b in list(zip(q[i], k[j], strict=True))[:4])}"
                f"{' + ...' if q.shape[1] > 4 else ''} = {by_hand:.3f}."
            ),
            Text(
                "Read along a row to see what one token looks at; softmax runs along it. Down a column is who looks at "
                "one token. The matrix has no reason to be symmetric."
            ),
            Check("entry", "the entry by hand", by_hand, float(scores[i, j]), 1e-12, error <= 1e-12),
            Check("sums", "every row of weights sums to 1", 0.0, sums, 1e-12, sums <= 1e-12),
        ),
        ("tfx explain attention-shapes --step 3 --text 'one two three'",),
    )


def _many_heads(traced: Traced, settings: Settings) -> Step:
    b, h, t, s = traced.weights.shape
    square = (b, h) == (settings.batch, settings.heads) and t == s
    return Step(
        "Many heads, many sentences: two axes in front",
        (
            _table("Self-attention", traced),
            Text(
                f"The weights are (B, H, T, T): one {t} x {t} matrix per head and sentence, {traced.weights.size:,} "
                f"numbers, {4 * traced.weights.size:,} bytes in float32. Twice the tokens make four times as many."
            ),
            Text("The axes in front only count copies: products work on the last two and leave B and H alone."),
            Check("per-head", "weights are (B, H, T, T)", "yes", "yes" if square else "no", "exact", square),
            Code(split_heads),
        ),
        (f"tfx explain attention-shapes --step 4 --set batch=4 --set d_model={8 * settings.heads}",),
    )


def _cross(traced: Traced, words: tuple[str, ...], others: tuple[str, ...]) -> Step:
    t, s = traced.weights.shape[-2:]
    fits = (t, s) == (len(words), len(others)) and traced.out.shape[-2] == t
    shape = "square only because both have the same length" if t == s else "not square"
    return Step(
        "Cross-attention: T queries, S keys, no square",
        (
            _table(f'X: your {t} tokens, Y: "{" ".join(labels(others[:4]))}" with {s}', traced),
            Text(
                f"Each head's matrix is {t} x {s}, {shape}. The n x n of self-attention is the special case T = S. "
                f"Outputs follow the queries: {traced.out.shape[-2]} of them, however long Y is."
            ),
            Check("cross", "weights end in (T, S), output has T rows", "yes", "yes" if fits else "no", "exact", fits),
        ),
        ("tfx explain attention-shapes --step 5 --set other='le chat dort sur le tapis'",),
    )


def _closing(seed: int) -> Step:
    rng = np.random.default_rng(seed)
    shapes = {"q": (2, 3, 5, 4), "k": (2, 3, 7, 4), "v": (2, 3, 7, 6)}  # B H T|S D|Dv, all different
    inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    out, cache = attention_forward(inputs["q"], inputs["k"], inputs["v"])
    grads = attention_backward(np.ones_like(out), cache)
    equal = all(grad.shape == array.shape for grad, array in zip(grads, inputs.values(), strict=True))
    error = check_gradients(attention_forward, attention_backward, inputs, seed=seed, max_elements=40).worst
    return Step(
        "Say it in an interview",
        (
            Text(
                "Per head Q and K are n x d_k, V is n x d_v, the scores and weights n x n with queries as rows and "
                "keys as columns, the output n x d_v. In a batch: (B, h, n, d_k) and (B, h, n, n); cross-attention "
                "makes it n_q x n_k."
            ),
            Text(
                "Concatenation gives h*d_v, W_O brings it back to d_model, because the residual adds it to the input. "
                "Going backwards every gradient has the shape of what it belongs to."
            ),
            Check(
                "grad-shapes", "dq, dk, dv have the shapes of q, k, v", "yes", "yes" if equal else "no", "exact", equal
            ),
            Check(
                "gradient",
                f"dq, dk, dv at q {shapes['q']}, k {shapes['k']}",
                0.0,
                error,
                f"relative error {TOLERANCE:.0e}",
                error <= TOLERANCE,
            ),
        ),
        ("tfx quiz attention-shapes", "tfx explain transformer-vs-rnn"),
    )


def _table(title: str, traced: Traced) -> Table:
    return Table(
        title,
        (Column("name", "array"), Column("made", "made by"), Column("axes", "axes"), Column("shape", "shape")),
        tuple(
            {"name": n, "made": made, "axes": _tight(axes), "shape": _tight(shape)}
            for n, made, axes, shape in traced.lines
        ),
    )


def _tight(axes: object) -> str:
    """(2,6,8) for (2, 6, 8): a shape that does not break across lines."""
    return "(" + str(axes).replace(" ", "").strip("()") + ")"
