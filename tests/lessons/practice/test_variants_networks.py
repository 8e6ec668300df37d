"""Softmax's Jacobian, heads, gates: unusual right ways pass; what is nearly right is neither passed nor named."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lessons.practice.variants import (
    asked,
    bent,
    has,
    is_told_as_wrong_without_a_name,
    passes,
    right,
    with_numbers,
    writing,
)  # fmt: skip

JACOBIAN, HEADS, GATE, BACK = "softmax-jacobian", "multi-head-attention", "swiglu", "swiglu-backward"


def jacobian_from_ratios(x, temperature=1.0):
    """p is 1 over a sum of ratios; the diagonal is what makes each row sum to 0."""
    p = 1 / np.exp((x[..., None, :] - x[..., :, None]) / temperature).sum(-1)
    apart = -np.einsum("...i,...j,ij->...ij", p, p, 1 - np.eye(p.shape[-1])) / temperature
    return p, apart - apart.sum(axis=-1, keepdims=True) * np.eye(p.shape[-1])


def by_differences(x, temperature=1.0, step=1e-3):
    """step: so large that the error of the difference quotient shows."""
    p = right(JACOBIAN, {"x": x, "temperature": temperature})[0]
    moved = x[..., None, :] + step * np.eye(x.shape[-1])  # (..., j, S)
    return p, (right(JACOBIAN, {"x": moved, "temperature": temperature})[0] - p[..., None, :]).swapaxes(-1, -2) / step


def one_query_at_a_time(q, k, v, maps, offsets, n_heads, mask=None):
    """The scale is in w_q, b_k is left out, and what is blocked is not looked at."""
    batch, t, d = *q.shape[:2], q.shape[-1] // n_heads
    q, k, v = (q @ maps[0] + offsets[0]) / d**0.5, k @ maps[1], v @ maps[2] + offsets[2]
    weights, y = np.zeros((batch, n_heads, t, k.shape[1])), np.tile(offsets[3].astype(float), (batch, t, 1))
    seen = np.broadcast_to(True if mask is None else mask, weights.shape)
    for b, h, at in np.ndindex(batch, n_heads, t):
        own, keys = slice(h * d, h * d + d), np.flatnonzero(seen[b, h, at])
        if keys.size:
            scores = k[b, keys][:, own] @ q[b, at, own]
            e = np.exp(scores - scores.max())
            weights[b, h, at, keys] = e / e.sum()
        y[b, at] += weights[b, h, at] @ v[b][:, own] @ maps[3][own]
    return y, weights


def blocked_by(number):
    """Added to blocked scores; rows that see nothing are put right."""

    def function(q, k, v, maps, offsets, n_heads, mask=None):
        q, k, v = (
            np.stack(np.split(x @ w + b, n_heads, axis=-1), axis=1)
            for x, w, b in zip((q, k, v), maps, offsets, strict=False)
        )
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
        seen = np.broadcast_to(True if mask is None else mask, scores.shape)
        scores = np.where(seen, scores, scores + number)
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights = e / e.sum(axis=-1, keepdims=True) * seen.any(axis=-1, keepdims=True)
        return np.concatenate([*(weights @ v).swapaxes(0, 1)], axis=-1) @ maps[3] + offsets[3], weights

    return function


def gated_by(bend):
    def function(x, w_gate, w_up, w_down, beta=1.0):
        hidden = bend(x @ w_gate, beta) * (x @ w_up)
        return hidden @ w_down, hidden

    return function


def sigmoid(a):
    return 0.5 + 0.5 * np.tanh(a / 2)


def undone_with(slope):
    def function(dy, x, w_gate, w_up, w_down):
        rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        a, u = rows @ w_gate, rows @ w_up
        s, back = sigmoid(a), drows @ w_down.T
        da, du = back * u * slope(a, s), back * a * s
        return (da @ w_gate.T + du @ w_up.T).reshape(x.shape), rows.T @ da, rows.T @ du, (a * s * u).T @ drows

    return function


def offset_times(place, by):
    return asked(HEADS, lambda a: {"offsets": a["offsets"] * np.where(np.arange(4) == place, by, 1.0)[:, None]})


def same_shape(one, other):
    return lambda a: a[one].shape == a[other].shape


def one_head(a):
    return a["n_heads"] == 1


def square(name, first=0):
    """Two axes of an argument, from axis `first` on, have one size."""
    return lambda a: a.get(name) is not None and len(set(a[name].shape[first : first + 2])) == 1


def in_lists(name):
    return lambda **a: [one.tolist() for one in right(name, a)]


RIGHT = {
    JACOBIAN: [jacobian_from_ratios, with_numbers(JACOBIAN, np.longdouble), in_lists(JACOBIAN)],
    HEADS: [one_query_at_a_time, blocked_by(-1e9), offset_times(1, 3.0), in_lists(HEADS)],
    GATE: [
        gated_by(lambda a, beta: a / (1 + np.exp(-beta * a))),
        gated_by(lambda a, beta: a / 2 * (1 + np.tanh(beta * a / 2))),
        gated_by(lambda a, beta: a * np.exp(-np.logaddexp(0, -beta * a))),
    ],
    BACK: [
        undone_with(lambda a, s: s + a / (4 * np.cosh(a / 2) ** 2)),
        undone_with(lambda a, s: a * s + s * (1 - a * s)),
    ],
}  # fmt: skip

WRONG = {
    JACOBIAN: {
        "a coarse difference quotient": by_differences,
        "a fine one from one side": lambda **a: by_differences(**a, step=1e-6),
        "temperature 1 at least": asked(JACOBIAN, lambda a: {"temperature": max(a.get("temperature", 1.0), 1.0)}),
        "x from -500 to 500": asked(JACOBIAN, lambda a: {"x": np.clip(a["x"], -500, 500)}),
        "the largest of all rows is taken off": asked(
            JACOBIAN, lambda a: {"x": np.maximum(a["x"] - a["x"].max(), -745)}
        ),
        "p of x, jacobian of x / temperature": bent(JACOBIAN, lambda p, a: right(JACOBIAN, {"x": a["x"]})[0]),
        "the triangle alone": bent(JACOBIAN, lambda j, a: np.tril(j), place=1),
        "the first row's for all rows": bent(
            JACOBIAN, lambda j, a: j - j + j.reshape(-1, *j.shape[-2:])[0], place=1
        ),
        "what is below 1e-6 is 0": bent(JACOBIAN, lambda j, a: np.where(np.abs(j) < 1e-6, 0, j), place=1),
        "half precision for float32": asked(
            JACOBIAN, lambda a: {"x": a["x"].astype(np.float16)}, lambda a: a["x"].dtype == np.float32
        ),
        "x is written to": writing(JACOBIAN, "x"),
    },
    HEADS: {
        "b_q left out": offset_times(0, 0.0),
        "b_v left out": offset_times(2, 0.0),
        "b_v twice": offset_times(2, 2.0),
        "w_o turned, where there is one head": asked(
            HEADS, lambda a: {"maps": np.stack([*a["maps"][:3], a["maps"][3].T])}, one_head
        ),
        "keys from q, where it has their shape": asked(HEADS, lambda a: {"k": a["q"]}, same_shape("q", "k")),
        "values from q, where it has their shape": asked(HEADS, lambda a: {"v": a["q"]}, same_shape("q", "v")),
        "causal where T = S and nothing is asked for": asked(
            HEADS, lambda a: {"mask": np.tril(np.ones((1, 1, a["q"].shape[1], a["k"].shape[1]), bool))},
            lambda a: same_shape("q", "k")(a) and a.get("mask") is None,
        ),
        "the mask turned over, where it is square": asked(
            HEADS, lambda a: {"mask": a["mask"].swapaxes(-1, -2)}, square("mask", 2)
        ),
        "the mask of the first text": asked(HEADS, lambda a: {"mask": a["mask"][:1]}, has("mask")),
        "texts and heads of the mask exchanged, where they are as many": asked(
            HEADS, lambda a: {"mask": a["mask"].swapaxes(0, 1)}, square("mask")
        ),
        "blocked by -30": blocked_by(-30.0),
        "weights lie as (B, T, H, S)": bent(HEADS, lambda w, a: w.swapaxes(1, 2), place=1),
        "weights of the heads in the other order": bent(HEADS, lambda w, a: w[:, ::-1], place=1),
        "who sees nothing gets 0, without b_o": bent(
            HEADS, lambda y, a: y * (right(HEADS, a)[1].sum(axis=(1, 3)) > 0)[..., None]
        ),
        "q is added": bent(HEADS, lambda y, a: y + a["q"]),
        "maps are written to": writing(HEADS, "maps"),
    },
    GATE: {
        "a bend of straight lines": gated_by(lambda a, beta: a * np.clip(beta * a / 6 + 0.5, 0, 1)),
        "beta is 1.702 unless told": asked(GATE, lambda a: {"beta": a.get("beta", 1.702)}),
        "beta is 2 at most": asked(GATE, lambda a: {"beta": min(a.get("beta", 1.0), 2.0)}),
        "shut below -5": gated_by(lambda a, beta: np.where(a < -5, 0, a * sigmoid(beta * a))),
        "the bend gets numbers from -50 to 50": gated_by(lambda a, beta: np.clip(a, -50, 50) * sigmoid(beta * a)),
        "w_down turned, where it is square": asked(GATE, lambda a: {"w_down": a["w_down"].T}, square("w_down")),
        "hidden without its sign": bent(GATE, lambda h, a: np.abs(h), place=1),
        "1e-8 too large": bent(GATE, lambda y, a: y * (1 + 1e-8)),
        "w_up is written to": writing(GATE, "w_up"),
    },
    BACK: {
        **{f"gradient {n} is 1e-7 too large": bent(BACK, lambda g, a: g * (1 + 1e-7), place=n) for n in range(4)},
        **{
            f"map {n} is turned, where it is square": bent(
                BACK, lambda g, a: g.T, square("w_up"), place=n
            )
            for n in (1, 2, 3)
        },
        **{
            f"map {n} is a mean over texts": bent(
                BACK, lambda g, a: g / len(a["x"]), lambda a: a["x"].ndim > 2, place=n
            )
            for n in (1, 2, 3)
        },
        "a slope from 0 to 1": undone_with(lambda a, s: np.clip(s * (1 + a * (1 - s)), 0, 1)),
        "a slope of 0 at 0": undone_with(lambda a, s: np.where(a == 0, 0, s * (1 + a * (1 - s)))),
        "a slope of 0 below -8": undone_with(lambda a, s: np.where(a < -8, 0, s * (1 + a * (1 - s)))),
        "tiny gradients are 0": lambda **a: tuple(np.where(np.abs(g) < 1e-7, 0, g) for g in right(BACK, a)),
        "dy is written to": writing(BACK, "dy"),
        "w_gate is written to": writing(BACK, "w_gate"),
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "place"), [(name, at) for name, some in RIGHT.items() for at in range(len(some))])
def test_an_unusual_right_way_passes(name, place):
    passes(name, RIGHT[name][place])


@pytest.mark.parametrize(("name", "label"), [(name, label) for name, some in WRONG.items() for label in some])
def test_what_is_nearly_right_is_told_as_wrong_and_gets_no_name(name, label):
    is_told_as_wrong_without_a_name(name, WRONG[name][label])
