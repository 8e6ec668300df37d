"""The steps of attention-shapes about what fits: the width of the output, loud mistakes and silent ones."""

from __future__ import annotations

import numpy as np

from lessons.attention.shapes.mistakes import provoke, raised_mistakes, silent_mistakes
from lessons.attention.shapes.trace import Traced, Weights
from tfx.ops.attention.scaled_dot_product import check_attention_shapes
from tfx.records import Check, Code, Column, Formula, Step, Table, Text


def widths(x: np.ndarray, traced: Traced, h: int, dv: int) -> Step:
    """From d_v over h*d_v to d_model, and what the residual addition says without W_O."""
    c = x.shape[-1]
    without = provoke("x + concat", lambda: x + traced.merged)
    with_w_o = x + traced.out
    if without.kind:
        said = f'Without W_O the residual addition fails: "{without.message}".'
    elif h * dv == c:
        said = f"Here h*d_v = d_model = {c}, so the sum would even work without W_O; heads would then never mix."
    else:
        said = f"Here the sum without W_O is possible only because a width of 1 is stretched to {c}: a silent mistake."
    measured = f"{traced.heads.shape[-1]}, {traced.merged.shape[-1]}, {traced.out.shape[-1]}"
    expected = f"{dv}, {h * dv}, {c}"
    return Step(
        "How wide is the output?",
        (
            Table(
                "The last axis on the way out",
                (Column("stage", "stage"), Column("rule", "width"), Column("here", "here")),
                (
                    {"stage": "one head", "rule": "d_v", "here": traced.heads.shape[-1]},
                    {"stage": "concatenated", "rule": "h * d_v", "here": traced.merged.shape[-1]},
                    {"stage": "after W_O", "rule": "d_model", "here": traced.out.shape[-1]},
                ),
            ),
            Formula("x + concat(heads) W_O", f"(B, T, {c}) + (B, T, {h * dv}) x ({h * dv}, {c})"),
            Text(f"{said} W_O brings the width back to that of the input, one vector for each query."),
            Text("Equal widths in and out are also what lets layers be stacked."),
            Check("widths", "d_v, h*d_v, d_model", expected, measured, "exact", expected == measured),
            Check(
                "residual",
                "x + output has the shape of x",
                str(x.shape),
                str(with_w_o.shape),
                "exact",
                x.shape == with_w_o.shape and traced.out.shape == x.shape,
            ),
        ),
        (f"tfx explain attention-shapes --step 6 --set d_v={c // h if dv != c // h else dv + 1}",),
    )


def raised(t: int, s: int, d: int) -> Step:
    """Real errors with their messages."""
    found = raised_mistakes(t, s, d)
    quiet = [mistake.tried for mistake in found if not mistake.kind]
    return Step(
        "When two axes do not fit, and what you are told",
        (
            Table(
                f"Really called, with {t} queries, {s} keys, width {d}",
                (Column("tried", "mistake"), Column("message", "tfx answers")),
                tuple({"tried": mistake.tried, "message": mistake.message} for mistake in found),
            ),
            Text(
                "q.k multiplies coordinate by coordinate, so Q and K share their width. Every weight belongs to a key "
                "and picks its value, so K and V share their length. A mask says yes or no to each (query, key)."
            ),
            Text("Widths of V and lengths of Q are free: neither meets anything."),
            Check("raised", "mistakes that passed unnoticed", 0, len(quiet), "exact", not quiet),
            Code(check_attention_shapes),
        ),
        ("tfx explain attention-shapes --step 7 --set d_model=64",),
    )


def silent(x: np.ndarray, w: Weights, n_heads: int) -> Step:
    """Right shapes, wrong numbers."""
    found = silent_mistakes(x, w, n_heads)
    same = all(mistake.shape == x.shape for mistake in found)
    harmless = n_heads == 1
    expected = [mistake for mistake in found if not harmless or mistake.tried == "weights transposed"]
    least = min(mistake.error for mistake in expected)
    return Step(
        "The mistakes that raise nothing",
        (
            Table(
                f"Right shape {x.shape}, wrong numbers",
                (Column("tried", "mistake"), Column("shape", "output"), Column("error", "largest error", digits=3)),
                tuple({"tried": m.tried, "shape": str(m.shape), "error": m.error} for m in found),
            ),
            Text(
                "(B, T, C) -> (B, H, T, D) by reshape alone cuts the sentence into H pieces instead of the width. The "
                "way is reshape to (B, T, H, D), then swap T and H; and back in the other order."
                + (" With one head there is nothing to swap: set heads=2 to see the damage." if harmless else "")
            ),
            Text(
                "The transposed weights fit because T = S. So test with sizes that are all different: T = S, D = H or "
                "B = 1 hide exactly these mistakes."
            ),
            Check("same-shape", "all three have the right shape", "yes", "yes" if same else "no", "exact", same),
            Check("wrong-numbers", "smallest damage done", "> 0", least, "above 1e-6", least > 1e-6),
            Code(silent_mistakes),
        ),
        (f"tfx explain attention-shapes --step 8 --set heads={1 if n_heads > 1 else 2}",),
    )
