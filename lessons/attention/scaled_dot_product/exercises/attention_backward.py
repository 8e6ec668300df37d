"""Attention, backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention import mixed, scores_of, softmax_of
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import by_hand, number
from tfx.ops.attention.scaled_dot_product import attention_backward as library
from tfx.ops.attention.scaled_dot_product import attention_forward

exercise = Exercise(
    "attention-backward",
    "Backward through attention",
    level=3,
    rules=[
        "The forward is out = softmax(q k^T / sqrt(D)) v over the keys; mask is None or boolean, True = may look.",
        "q is (..., T, D), k (..., S, D), v (..., S, Dv), dout (..., T, Dv); every gradient has the shape of its array.",
        "A query that may look nowhere got zeros, and gives no gradient.",
        "Scores of thousands do not overflow.",
        "All arguments stay as they are.",
    ],
    hints=[
        "Make the weights p again first. out = p v is a matrix product: what are dv and dp?",
        "From dp to the gradient of the scores: p * (dp - sum over the keys of dp * p).",
        "scores = q k^T / sqrt(D): two more products, and the divisor goes along.",
    ],
    learned="dv = p^T dout, dp = dout v^T, ds = p * (dp - sum(dp p)), and ds / sqrt(D) goes to q by k and to k by q.",
    results=["dq: (..., T, D)", "dk: (..., S, D)", "dv: (..., S, Dv)"],
    step="the_way_back",
)


@exercise.stub
def attention_backward(dout, q, k, v, mask=None):
    """Gradients of out = softmax(q k^T / sqrt(D)) v.

    dout: (..., T, Dv), q: (..., T, D), k: (..., S, D), v: (..., S, Dv)
    mask: None or (..., T, S), True = may look
    -> dq, dk, dv, each of the shape of its array
    """
    ...


@exercise.solution
def solution(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=-1, keepdims=True)
    p = e / np.where(total == 0, 1, total)
    dv = np.swapaxes(p, -1, -2) @ dout  # (..., S, T) (..., T, Dv) -> (..., S, Dv)
    dp = dout @ np.swapaxes(v, -1, -2)  # (..., T, Dv) (..., Dv, S) -> (..., T, S)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(q.shape[-1])
    return ds @ k, np.swapaxes(ds, -1, -2) @ q, dv


@exercise.truth
def truth(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    return library(dout, attention_forward(q, k, v, mask)[1])


@exercise.equal
def with_einsum(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    p = softmax_of(scores_of(q, k), mask)
    out = p @ v
    dp = np.einsum("...td,...sd->...ts", dout, v)
    ds = p * (dp - (dout * out).sum(axis=-1, keepdims=True)) / q.shape[-1] ** 0.5  # sum(dp p) = dout . out
    return (
        np.einsum("...ts,...sd->...td", ds, k),
        np.einsum("...ts,...td->...sd", ds, q),
        np.einsum("...ts,...td->...sd", p, dout),
    )


@exercise.steps
def steps(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> dict[str, Any]:
    p, dp, root = softmax_of(scores_of(q, k), mask), dout @ np.swapaxes(v, -1, -2), np.sqrt(q.shape[-1])
    inner = (dp * p).sum(axis=-1, keepdims=True)
    before = p * (dp - inner)
    return {
        "p: the weights, (..., T, S)": p,
        "dp: their gradient": dp,
        "ds: the gradient of q k^T, (..., T, S)": [before / root, before],
        "p @ k": p @ k,
        "dq: (..., T, D)": before / root @ k,
        "dk: (..., S, D)": np.swapaxes(before, -1, -2) / root @ q,
        "dv: (..., S, Dv)": np.swapaxes(p, -1, -2) @ dout,
    }


@exercise.cell
def dp(at: tuple[int, ...], dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> str:
    return by_hand(*zip(dout[at[:-1]], v[(*at[:-2], at[-1])], strict=True))


@exercise.cell
def ds(at: tuple[int, ...], dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> str:
    p, slope = softmax_of(scores_of(q, k), mask)[at[:-1]], (dout @ np.swapaxes(v, -1, -2))[at[:-1]]
    one, own, inner, d = p[at[-1]], slope[at[-1]], float(p @ slope), q.shape[-1]
    gap = f"({number(own)} - {number(inner)})" if inner >= 0 else f"({number(own)} + {number(-inner)})"
    return f"{number(one)} * {gap} / sqrt({d}) = {number(one * (own - inner) / d**0.5)}"


#: words -> size and middle of the gradient from above
UPSTREAM = {
    "": (1.0, 0.0),
    "a tiny gradient": (1e-7, 0.0),
    "a large gradient": (1e5, 0.0),
    "gradients below 0": (1.0, -4.0),
}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(*front: int, t: int, s: int, d: int, dv: int, by: float = 1.0, up: float = 1.0) -> dict[str, Any]:
        q, k, v = by * n((*front, t, d)), by * n((*front, s, d)), n((*front, s, dv))
        return {"dout": up * n((*front, t, dv)), "q": q, "k": k, "v": v}

    yield Given("no axes in front, all sizes different", given(t=3, s=5, d=4, dv=2))
    yield Given("batch and heads, all sizes different", given(2, 3, t=4, s=6, d=5, dv=7))
    yield Given("T = S = D = Dv", given(t=4, s=4, d=4, dv=4))
    yield Given("one query", given(2, t=1, s=5, d=3, dv=2))
    yield Given("one key", given(2, t=3, s=1, d=4, dv=2))
    yield Given("D = 1", given(t=3, s=4, d=1, dv=2))
    yield Given("D = 64", given(t=2, s=5, d=64, dv=3))
    yield Given("sharp weights", given(t=3, s=4, d=16, dv=2, by=1.5))
    yield Given("nearly even weights", given(t=3, s=4, d=16, dv=2, by=1e-2))
    yield Given("a tiny gradient", given(t=3, s=4, d=3, dv=2, up=1e-8))
    yield Given("a gradient of ones", {**given(t=3, s=4, d=3, dv=2), "dout": np.ones((3, 2))})
    yield Given("a causal mask", {**given(2, t=5, s=5, d=3, dv=2), "mask": np.tril(np.ones((5, 5), bool))})
    padded = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)[:, None, None, :]
    yield Given("a padding mask for each text", {**given(2, 2, t=3, s=4, d=3, dv=2), "mask": padded})
    seen = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 1, 1]], bool)
    yield Given("a query that may look nowhere", {**given(t=3, s=4, d=3, dv=2), "mask": seen})
    blocked = np.array([[[1, 0, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 1]]], bool)
    yield Given(
        "queries that may look nowhere, another one in each text", {**given(2, t=2, s=3, d=4, dv=5), "mask": blocked}
    )
    yield Given("very large scores", given(2, t=5, s=6, d=16, dv=3, by=60.0))
    yield Given("equal keys", {**given(t=2, s=4, d=3, dv=2), "k": np.ones((4, 3))})
    yield Given("float32", {key: value.astype(np.float32) for key, value in given(2, t=3, s=4, d=6, dv=5).items()})
    for about, one, ((up, to),) in mixed(rng, UPSTREAM):
        dout = up * rng.standard_normal((*one["q"].shape[:-1], one["v"].shape[-1])) + to
        yield Given(about, {"dout": dout.astype(one["q"].dtype), **one})
