"""Asks a feed-forward block with LayerNorm and a residual."""

from __future__ import annotations

from typing import Any

import numpy as np


def given(seed: int, batch: int = 3, length: int = 4, width: int = 8, hidden: int = 12) -> tuple[Any, Any]:
    """Weights with a gain and a bias that do something, and inputs whose rows have a mean and a spread of their own."""
    rng = np.random.default_rng(seed)
    n = rng.standard_normal
    w = {
        "gain": 1 + 0.3 * n(width), "bias": 0.3 * n(width),
        "up": n((width, hidden)) / np.sqrt(width), "down": n((hidden, width)) / np.sqrt(hidden),
    }  # fmt: skip
    return w, n((batch, length, width)) * rng.uniform(0.5, 3, (batch, length, 1)) + n((batch, length, 1))


def norm(program: Any, x: Any, gain: Any, bias: Any) -> Any:
    return program.norm(x, gain, bias)[0]


def forward(program: Any, w: Any, x: Any) -> Any:
    return program.forward(w, x)[0]


def gradients(program: Any, w: Any, x: Any, dout: Any) -> Any:
    dw, dx = program.backward(w, dout, program.forward(w, x)[1])
    return {**{f"d {name}": d for name, d in dw.items()}, "d x": dx}


def fit(program: Any, w: Any, x: Any, goal: Any, steps: int, rate: float) -> Any:
    """Gradient descent on two blocks of the same weights, one behind the other -> the losses."""
    losses = []
    for _ in range(steps):
        middle, first = program.forward(w, x)
        out, second = program.forward(w, middle)
        losses.append(float(((out - goal) ** 2).mean()))
        dw2, dmiddle = program.backward(w, 2 * (out - goal) / out.size, second)
        dw1, _ = program.backward(w, dmiddle, first)
        w = {name: w[name] - rate * (dw1[name] + dw2[name]) for name in w}
    return losses


def ask_loss(program: Any) -> Any:
    """Two blocks in a row learn what two other blocks give: the loss falls, and goes on falling."""
    w, x = given(1, 6)
    goal = right(given(2)[0], right(given(2)[0], x))
    losses = fit(program, w, x, goal, 201, 0.3)
    return [(f"loss after {step} steps", losses[step]) for step in (0, 10, 50, 200)]


def right(w: Any, x: Any) -> Any:
    """What a block gives, row by row."""
    out = np.empty_like(x)
    for at in np.ndindex(*x.shape[:2]):
        row = (x[at] - x[at].mean()) / np.sqrt(x[at].var() + 1e-5) * w["gain"] + w["bias"]
        a = row @ w["up"]
        out[at] = x[at] + a / (1 + np.exp(-a)) @ w["down"]
    return out


def ask_gradients(program: Any) -> Any:
    """Norms for outputs that are pulled by about 1. None is 0, and none is ten times as large as another."""
    w, x = given(3)
    found = gradients(program, w, x, np.random.default_rng(4).standard_normal(x.shape))
    return [(f"norm of {name}", float(np.linalg.norm(d))) for name, d in found.items()]


def ask_causality(program: Any) -> Any:
    """A token's output comes from that token alone: whatever else changes moves it by 0."""
    w, x = given(5)
    other = given(6)[1]
    before = forward(program, w, x)
    token = forward(program, w, np.where(np.arange(4)[:, None] == 2, other, x))
    text = forward(program, w, np.where(np.arange(3)[:, None, None] == 1, other, x))
    return [
        ("another token moves", float(np.abs(token - before)[:, [0, 1, 3]].max())),
        ("another text moves", float(np.abs(text - before)[[0, 2]].max())),
    ]


def ask_shapes(program: Any) -> Any:
    """Three texts of four tokens, width 8, twelve inside; a gradient has the shape of what it is of."""
    w, x = given(7)
    out, cache = program.forward(w, x)
    dw, dx = program.backward(w, out, cache)
    named = {"x": x, "out": out, "d x": dx, **{f"d {name}": d for name, d in sorted(dw.items())}}
    return [(name, str(np.shape(one))) for name, one in named.items()]


def ask_invariants(program: Any) -> Any:
    """Rows come out of the norm with mean 0 and variance 1; a block whose last weights are 0 gives what it gets, and
    back goes the gradient that came; the SiLU of a large number is that number: all 0."""
    w, x = given(8)
    rows = norm(program, 10 * x, np.ones(8), np.zeros(8))
    nothing = {**w, "down": np.zeros_like(w["down"])}
    alone = gradients(program, nothing, x, np.ones_like(x))
    return [
        ("means are off by", float(np.abs(rows.mean(axis=-1)).max())),
        ("variances are off by", float(np.abs(rows.var(axis=-1) - 1).max())),
        ("the empty block is off by", float(np.abs(forward(program, nothing, x) - x).max())),
        ("its gradient is off by", float(np.abs(alone["d x"] - 1).max())),
        ("silu of 40 is off by", float(np.abs(program.silu(np.array(40.0))[0] - 40))),
    ]


QUESTIONS = {
    "loss": ask_loss, "gradients": ask_gradients, "causality": ask_causality, "shapes": ask_shapes,
    "invariants": ask_invariants,
}  # fmt: skip
