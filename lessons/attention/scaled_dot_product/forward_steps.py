"""The forward half of the walkthrough: tokens, Q K V, scores, scaling, mask, softmax, output."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.run import HeadRun
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.entropy import entropy
from tfx.ops.basics.linear import linear_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.records import Check, Code, Formula, Matrix, Question, Step, Text
from tfx.tokenizers.word import UNKNOWN
from tfx.trace import attention_case

SHOWN = 6  # coordinates of a vector that fit on a line


def steps(run: HeadRun) -> Iterator[Step]:
    """Eight steps from the sentence to the output of the head."""
    yield _tokens(run)
    yield _projections(run)
    yield _scores(run)
    yield _scaling(run)
    yield _mask(run)
    yield _softmax(run)
    yield _output(run)
    yield _meaning(run)


def coordinates(name: str, values: np.ndarray, rows: tuple[str, ...], axis: str = "token", note: str = "") -> Matrix:
    """A matrix of vectors, cut to its first few coordinates so that it fits the screen."""
    shown = min(SHOWN, values.shape[-1])
    title = name if shown == values.shape[-1] else f"{name}, first {shown} of {values.shape[-1]} coordinates"
    return Matrix(title, values[:, :shown], (axis, "coordinate"), rows, tuple(str(i + 1) for i in range(shown)), note)


def short(x: float) -> str:
    """Three decimals where they say something, else three digits: `-0.123`, `1.2e-05`."""
    return f"{x:.3f}" if x == 0 or abs(x) >= 0.01 else f"{x:.2g}"


def products(a: np.ndarray, b: np.ndarray, shown: int = 3) -> str:
    """`(0.81)(1.20) + (-0.33)(-0.95) + ...`, the start of a dot product written out."""
    terms = " + ".join(f"({short(x)})({short(y)})" for x, y in zip(a[:shown], b[:shown], strict=True))
    return terms + (" + ..." if a.size > shown else "")


def _tokens(run: HeadRun) -> Step:
    case = run.case
    x = case.x
    return Step(
        "Tokens become vectors",
        (
            Text(f"Model: {case.model_about}."),
            *(
                (
                    Text(
                        "Its weights are random (--untrained): nothing below means anything yet, but all of it is exact."
                    ),
                )
                if run.untrained
                else ()
            ),
            Text(f"{len(run.tokens)} tokens: {' | '.join(run.tokens)}{_unknown(case.tokens)}"),
            Formula(
                "X = what layer "
                + f"{case.layer + 1} of {case.n_layers} reads; head {case.head + 1} of {case.n_heads}",
                f"(T, C) = {x.shape}",
            ),
            coordinates("X", x, run.tokens, note="One row per token; positions are already mixed in."),
            Code(attention_case),
        ),
        ('tfx explain attention --text "your own sentence"', "tfx explain attention --untrained"),
    )


def _unknown(tokens: tuple[str, ...]) -> str:
    count = tokens.count(UNKNOWN)
    return (
        f".  To the model {count} of them {'is' if count == 1 else 'are'} one and the same unknown token."
        if count
        else ""
    )


def _projections(run: HeadRun) -> Step:
    case, i = run.case, run.row
    word = run.tokens[i]
    bias = "" if case.b_q is None else f" + ({case.b_q[0]:.3f})"
    return Step(
        "Three questions to every token: query, key, value",
        (
            Formula("Q = X W_Q   K = X W_K   V = X W_V", f"{case.x.shape} x {case.w_q.shape} -> {case.q.shape}"),
            coordinates(
                f'what "{word}" asks, shows and holds',
                np.stack([case.q[i], case.k[i], case.v[i]]),
                ("query", "key", "value"),
                "vector",
            ),
            Text(
                f'Query of "{word}", coordinate 1, by hand: '
                f"{products(case.x[i], case.w_q[:, 0])}{bias} = {case.q[i, 0]:.3f}, over all {case.x.shape[1]} terms."
            ),
            coordinates("Q", case.q, run.tokens),
            Text("The three maps are learned; the vectors are made anew for every sentence."),
            Code(linear_forward),
        ),
        ("tfx explain attention-qkv",),
    )


def _scores(run: HeadRun) -> Step:
    case, i, j = run.case, run.row, run.column
    word, target = run.tokens[i], run.tokens[j]
    best = int(run.raw[i].argmax())
    return Step(
        "Scores: how well does each query match each key?",
        (
            Formula("S = Q K^T", f"{case.q.shape} x {case.k.T.shape} -> {run.raw.shape}"),
            Matrix(
                "S",
                run.raw,
                ("query", "key"),
                run.tokens,
                run.tokens,
                f'The highest score of "{word}" is with "{run.tokens[best]}".',
            ),
            Text(
                f'Row "{word}", column "{target}", by hand: q . k = {products(case.q[i], case.k[j])} = '
                f"{run.raw[i, j]:.3f}, over all {case.q.shape[1]} coordinates."
            ),
            Text(
                "Why a dot product?  It is large when two vectors point the same way, and one matrix product computes "
                f"all {run.raw.size} of them."
            ),
            Code(attention_forward),
        ),
        ("tfx explain attention-additive-vs-dot",),
    )


def _scaling(run: HeadRun) -> Step:
    width = run.case.q.shape[-1]
    i, j = run.row, run.column
    usual = 1 / math.sqrt(width)
    same = math.isclose(run.scale, usual)
    about = f"1/sqrt({width}) = {usual:.4f}" if same else f"{run.scale:g} instead of 1/sqrt({width}) = {usual:.4f}"
    scaled = run.raw * run.scale
    return Step(
        "Scaling: divide by sqrt(d_k)",
        (
            Formula("S / sqrt(D)" if same else f"S * {run.scale:g}", f"D = {width}"),
            Question(
                f"The raw score is {run.raw[i, j]:.3f} and the scale {run.scale:.4f}. What is the scaled score?",
                float(scaled[i, j]),
                0.01,
                "One multiplication.",
            ),
            Text(f'The factor is {about}; row "{run.tokens[i]}", column "{run.tokens[j]}" becomes {scaled[i, j]:.3f}.'),
            Matrix(
                f'row "{run.tokens[i]}"',
                np.stack([run.raw[i], scaled[i]]),
                ("scores", "key"),
                ("raw", "scaled"),
                run.tokens,
            ),
            Text(
                f"Standard deviation of all scores: {run.raw.std():.3f} before, {scaled.std():.3f} after. Training may "
                "grow them again; the scale only sets where it starts."
            ),
            Code(attention_forward),
        ),
        ("tfx explain attention --step 6 --set scale=1", "tfx explain scaling-variance"),
    )


def _mask(run: HeadRun) -> Step:
    blocked = run.blocked
    scores = np.where(blocked, -math.inf, run.raw * run.scale)
    i = run.row
    if blocked.any():
        about = (
            f"{int(blocked.sum())} of {blocked.size} entries are blocked: a token may not see what comes after it, or it "
            f'could copy the word it must predict. Row "{run.tokens[i]}" may look at {int((~blocked[i]).sum())} keys.'
        )
    else:
        about = (
            "Nothing is blocked here: this model reads the whole sentence at once, so every token may look at every "
            "other, itself included. A language model would block the future."
        )
    return Step(
        "Mask: who may look at whom?",
        (
            Formula("S[i, j] = -inf where the mask says no        exp(-inf) = 0", "boolean, True = may attend"),
            Matrix("scaled scores after the mask", scores, ("query", "key"), run.tokens, run.tokens),
            Text(about),
            Text("The mask comes before the softmax, so that the rows still sum to one over what is left."),
            Code(causal_mask),
        ),
        ("tfx explain attention --step 6 --set mask=causal", "tfx experiment masking"),
    )


def _softmax(run: HeadRun) -> Step:
    i, j = run.row, run.column
    p = run.weights
    scores = np.where(run.blocked, -math.inf, run.raw * run.scale)[i]
    top = scores.max()
    total = float(np.exp(scores - top).sum())
    sums = float(np.abs(p.sum(axis=-1) - 1).max())
    seen = int((~run.blocked[i]).sum())
    share = f"{float(entropy(p[i])) / math.log(seen):.0%}" if seen > 1 else ""
    spread = f"{share} of the entropy of a uniform row" if share else "one key only"
    return Step(
        "Softmax: scores become weights",
        (
            Formula("P[i, j] = exp(S[i, j]) / sum_k exp(S[i, k])", f"{p.shape} -> {p.shape}, row by row"),
            Question(
                f'exp(score - max) is {math.exp(scores[j] - top):.3f} for "{run.tokens[j]}" and the row sums to '
                f'{total:.3f}. Which weight does "{run.tokens[j]}" get?',
                float(p[i, j]),
                0.02,
                "Its share of the sum.",
            ),
            Matrix(
                "P",
                p,
                ("query", "key"),
                run.tokens,
                run.tokens,
                f'"{run.tokens[i]}" gives its largest weight, {p[i, j]:.3f}, to "{run.tokens[j]}".',
            ),
            Text(
                f'By hand, row "{run.tokens[i]}": {math.exp(scores[j] - top):.3f} / {total:.3f} = {p[i, j]:.3f}; {spread}.'
            ),
            Check("row-sums", "every row of P sums to 1", 0.0, sums, "1e-14", sums <= 1e-14),
            Code(softmax_forward),
        ),
        ("tfx explain softmax-attention",),
    )


def _output(run: HeadRun) -> Step:
    case, i = run.case, run.row
    order = np.argsort(-run.weights[i])[:3]
    terms = " + ".join(f"{run.weights[i, j]:.3f}*({case.v[j, 0]:.3f})" for j in order)
    more = " + ..." if len(run.tokens) > 3 else ""
    inside = bool((run.out <= case.v.max(axis=0) + 1e-12).all() and (run.out >= case.v.min(axis=0) - 1e-12).all())
    gap = float(np.abs(run.out - case.out).max())
    own = (
        Text("Scale or mask were changed, so this is no longer what the model computed.")
        if run.changed
        else Check("model", "these steps give the model's own output", 0.0, gap, "1e-12", gap <= 1e-12)
    )
    return Step(
        "Output: a weighted average of the values",
        (
            Formula("O = P V", f"{run.weights.shape} x {case.v.shape} -> {run.out.shape}"),
            Text(f'Row "{run.tokens[i]}", coordinate 1, by hand: {terms}{more} = {run.out[i, 0]:.3f}.'),
            coordinates("O", run.out, run.tokens, note="One row per query: the values, mixed."),
            Check(
                "hull",
                "no output leaves the range of the values",
                "inside",
                "inside" if inside else "outside",
                "1e-12",
                inside,
            ),
            own,
            Code(attend_forward),
        ),
        ("tfx explain attention-intuition",),
    )


def _meaning(run: HeadRun) -> Step:
    case = run.case
    return Step(
        "What the model makes of it",
        (
            Text(case.task_about),
            Matrix(
                "its best answers",
                np.array([[p for _, p in case.answers]]),
                ("", "answer"),
                ("probability",),
                tuple(word for word, _ in case.answers),
            ),
            Text(f"Loss here: {case.loss:.4f}. The way back starts from this number."),
            Code(cross_entropy_forward),
        ),
        case.what_if,
    )
