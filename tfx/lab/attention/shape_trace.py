"""A tracer: runs attention and writes down, for every array on the way, what its axes are and how long they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.ops.attention.multi_head import merge_heads, split_heads
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.linear import linear_forward


class Line(NamedTuple):
    """One array: its name, how it is made, the names of its axes and its shape."""

    name: str
    made: str
    axes: str
    shape: tuple[int, ...]


class Weights(NamedTuple):
    """w_q, w_k: (C, H D), w_v: (C, H Dv), w_o: (H Dv, C)."""

    w_q: np.ndarray
    w_k: np.ndarray
    w_v: np.ndarray
    w_o: np.ndarray


class Traced(NamedTuple):
    """lines: every array in order.  weights: (..., H, T, S); heads: (..., H, T, Dv); merged: (..., T, H Dv);
    out: (..., T, C)."""

    lines: tuple[Line, ...]
    weights: np.ndarray
    heads: np.ndarray
    merged: np.ndarray
    out: np.ndarray

    def rows(self) -> list[dict[str, str]]:
        """A row for each array on the way, its shape without blanks, so that it does not break across lines."""
        return [line._asdict() | {"axes": tight(line.axes), "shape": tight(line.shape)} for line in self.lines]


def tight(axes: object) -> str:
    """(2,6,8) for (2, 6, 8)."""
    return "(" + str(axes).replace(" ", "").strip("()") + ")"


def random_weights(rng: np.random.Generator, width: int, n_heads: int, d_v: int) -> Weights:
    """Random projections; the width of the queries and keys of one head is width / n_heads."""
    shapes = ((width, width), (width, width), (width, n_heads * d_v), (n_heads * d_v, width))
    return Weights(*(rng.standard_normal(shape) / width**0.5 for shape in shapes))


def trace_one_head(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> Traced:
    """Single-head attention: q (T, D), k (S, D), v (S, Dv)."""
    scores = q @ k.T
    out, cache = attention_forward(q, k, v)
    lines = (
        Line("Q", "X W_Q", "T, D", q.shape),
        Line("K", "X W_K", "S, D", k.shape),
        Line("V", "X W_V", "S, Dv", v.shape),
        Line("scores", "Q K^T / sqrt(D)", "T, S", scores.shape),
        Line("weights", "softmax", "T, S", cache.weights.shape),
        Line("output", "weights V", "T, Dv", out.shape),
    )
    return Traced(lines, cache.weights, out[None], out, out)


def trace_many_heads(x_q: np.ndarray, x_kv: np.ndarray, w: Weights, n_heads: int) -> Traced:
    """Multi-head attention: x_q (B, T, C), x_kv (B, S, C); the same array for self-attention."""
    other = "X" if x_kv is x_q else "Y"
    q, k, v = (linear_forward(x, m)[0] for x, m in ((x_q, w.w_q), (x_kv, w.w_k), (x_kv, w.w_v)))
    qh, kh, vh = (split_heads(array, n_heads) for array in (q, k, v))
    heads, cache = attention_forward(qh, kh, vh)
    merged = merge_heads(heads)
    out, _ = linear_forward(merged, w.w_o)
    lines = [Line("X", "input", "B, T, C", x_q.shape)]
    if x_kv is not x_q:
        lines.append(Line("Y", "other input", "B, S, C", x_kv.shape))
    lines += [
        Line("X W_Q", "linear", "B, T, H*D", q.shape),
        Line("Q", "split heads", "B, H, T, D", qh.shape),
        Line("K", f"split {other} W_K", "B, H, S, D", kh.shape),
        Line("V", f"split {other} W_V", "B, H, S, Dv", vh.shape),
        Line("scores", "Q K^T / sqrt(D)", "B, H, T, S", (qh @ kh.swapaxes(-1, -2)).shape),
        Line("weights", "softmax over S", "B, H, T, S", cache.weights.shape),
        Line("heads", "weights V", "B, H, T, Dv", heads.shape),
        Line("concat", "merge heads", "B, T, H*Dv", merged.shape),
        Line("output", "concat W_O", "B, T, C", out.shape),
    ]
    return Traced(tuple(lines), cache.weights, heads, merged, out)
