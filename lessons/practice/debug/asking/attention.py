"""Asks causal attention with several heads."""

from __future__ import annotations

from typing import Any

import numpy as np

NAMES = ("query", "key", "value", "out")


def given(seed: int, batch: int = 3, length: int = 6, width: int = 8, by: float = 1.0) -> tuple[Any, Any, Any]:
    """Weights, inputs, and which of them are padding: none of the first text."""
    rng = np.random.default_rng(seed)
    w = {name: by * rng.standard_normal((width, width)) / np.sqrt(width) for name in NAMES}
    padded = np.arange(length) >= length - np.arange(batch)[:, None]
    return w, rng.standard_normal((batch, length, width)), padded


def forward(program: Any, w: Any, x: Any, padded: Any, heads: int) -> Any:
    return program.forward(w, x, padded, heads)[0]


def gradients(program: Any, w: Any, x: Any, padded: Any, heads: int, dy: Any) -> Any:
    dw, dx = program.backward(w, dy, program.forward(w, x, padded, heads)[-1], heads)
    return {**{f"d {name}": d for name, d in dw.items()}, "d x": dx}


def fit(program: Any, w: Any, x: Any, padded: Any, heads: int, goal: Any, steps: int, rate: float) -> Any:
    """Gradient descent to outputs that another attention gives -> the loss before each step and at the end."""
    losses, here = [], ~padded[..., None]
    for step in range(steps + 1):
        y, _, cache = program.forward(w, x, padded, heads)
        off = (y - goal) * here
        losses.append(float((off * off).sum() / here.sum() / x.shape[-1]))
        if step < steps:
            dw = program.backward(w, 2 * off / here.sum() / x.shape[-1], cache, heads)[0]
            w = {name: w[name] - rate * dw[name] for name in w}
    return losses


def ask_loss(program: Any) -> Any:
    """It learns to give what another attention gives: the loss falls, and in the end is below a hundredth of what it was."""
    w, x, padded = given(1, 6)
    goal = attended(given(2)[0], x, padded)
    losses = fit(program, w, x, padded, 2, goal, 150, 1.0)
    return [(f"loss after {step} steps", losses[step]) for step in (0, 10, 50, 150)]


def attended(w: Any, x: Any, padded: Any) -> Any:
    """A goal that an attention with two heads can reach, written in loops."""
    y = np.zeros_like(x)
    for b, t in np.ndindex(*x.shape[:2]):
        seen = [s for s in range(t + 1) if not padded[b, s]]
        heads = []
        for part in (slice(0, 4), slice(4, 8)):
            q, k, v = (x[b] @ w[name][:, part] for name in ("query", "key", "value"))
            e = np.exp([q[t] @ k[s] / 2 for s in seen])
            heads.append((e / e.sum()) @ v[seen])
        y[b, t] = np.concatenate(heads) @ w["out"]
    return y


def ask_gradients(program: Any) -> Any:
    """Norms of one gradient step.  None is 0, and none is ten times as large as another."""
    w, x, padded = given(3)
    found = gradients(program, w, x, padded, 2, np.random.default_rng(4).standard_normal(x.shape) / x.size)
    return [(f"norm of {name}", float(np.linalg.norm(d))) for name, d in found.items()]


def ask_entropy(program: Any) -> Any:
    """Nats of the last query. Random weights lie between one key (0) and all keys alike: nearer to the latter, yet well below it."""
    w, x, padded = given(5, 12, by=1.5)
    weights = program.forward(w, x, padded & False, 2)[1]
    p = weights[:, :, -1, :]
    nats = -(p * np.log(p + 1e-300)).sum(axis=-1).mean(axis=0)
    return [*((f"head {head + 1}", float(nat)) for head, nat in enumerate(nats)), ("all keys alike", float(np.log(6)))]


def ask_causality(program: Any) -> Any:
    """How far a token's output moves when a later token, padding, or another text changes: all 0."""
    w, x, padded = given(6)
    other = np.random.default_rng(7).standard_normal(x.shape)
    before = forward(program, w, x, padded, 2)
    later = forward(program, w, np.where(np.arange(6)[:, None] >= 3, other, x), padded, 2)
    behind = forward(program, w, np.where(padded[..., None], other, x), padded, 2)
    texts = forward(program, w, np.where(np.arange(3)[:, None, None] == 1, other, x), padded, 2)
    return [
        ("a later token moves", float(np.abs(later - before)[:, :3].max())),
        ("padding moves", float(np.abs(behind - before)[~padded].max())),
        ("another text moves", float(np.abs(texts - before)[0].max())),
    ]


def ask_shapes(program: Any) -> Any:
    """Three texts of six tokens, width 8, two heads; weights are texts x heads x queries x keys."""
    w, x, padded = given(8)
    y, weights, _ = program.forward(w, x, padded, 2)
    return [("x", str(x.shape)), ("y", str(y.shape)), ("weights", str(weights.shape))]


def ask_invariants(program: Any) -> Any:
    """The weights of a query sum to 1, none is on padding, and equal values come out as they are: all 0."""
    w, x, padded = given(9)
    weights = program.forward(w, x, padded, 2)[1]
    alike = {**w, "value": np.zeros((8, 8)), "out": np.eye(8)}
    alike["value"][0] = 1.0
    x = np.concatenate([np.ones((*x.shape[:2], 1)), x[..., 1:]], axis=-1)
    same = forward(program, alike, x, padded, 2)
    return [
        ("row sums are off by", float(np.abs(weights.sum(axis=-1) - 1).max())),
        ("weight on padding", float((weights * padded[:, None, None, :]).max())),
        ("equal values are off by", float(np.abs(same - 1)[~padded].max())),
    ]


QUESTIONS = {
    "loss": ask_loss, "gradients": ask_gradients, "entropy": ask_entropy, "causality": ask_causality,
    "shapes": ask_shapes, "invariants": ask_invariants,
}  # fmt: skip
