"""The step from an encoder to a GPT: one causal block, and the loss of the next token."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.block.transformer_block.exercises.encoder_block import weights as block_weights
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.models.one_page_gpt import gpt_forward
from tfx.ops.losses.cross_entropy import cross_entropy_forward

exercise = Exercise(
    "gpt-step",
    "From an encoder to a GPT: mask, last norm, shift",
    step="from_encoder",
    level=3,
    rules=[
        "ids is (B, T + 1), whole numbers from 0 to V - 1. The first T of a text are read; place t is asked for token t + 1.",
        "What goes in is the token's row of table (V, C), not scaled, plus the row of its place in positions (M, C), M at "
        "least T, places counted from 0.",
        "w holds w_q, w_k, w_v, w_o (C, C) with offsets b_q, b_k, b_v, b_o (C,), w_1 (C, F), b_1, w_2 (F, C), b_2, and gamma_1, "
        "beta_1, gamma_2, beta_2, gamma, beta (C,). Vectors are rows: x @ w.",
        "One block with its norms in front (LayerNorm, eps = 1e-5): attention with n_heads heads, where a place sees itself "
        "and those before it, then a network with GELU in its tanh form. Behind it one more norm, gamma and beta.",
        "logits = what comes out @ table.T. The loss is the mean of -log p(token asked for) over the places that count, in "
        "nats; logits may be as large as 10,000.",
        "keep is None, or boolean (B, T + 1), False = padding, always behind the text: a place that is asked for padding "
        "does not count. Where no place counts the loss is 0. Logits are given for all places. All arguments stay as they are.",
    ],
    hints=[
        "ids[:, :-1] and ids[:, 1:]: which of the two is read, and which is asked for?",
        "np.tril of ones, as booleans, is (T, T). May place t see itself? It is asked for the next one.",
        "Of a pre block nothing normalises the sum. What stands between it and the logits?",
        "keep has as many columns as ids. Which of them belong to the tokens that are asked for?",
    ],
    learned="a causal mask, a last norm, the table once more as output, and targets one place further on: that is GPT.",
    results=["loss: one number", "logits: (B, T, V)"],
)


@exercise.stub
def gpt_step(ids, table, positions, w, n_heads, keep=None):
    """The loss of the next token, and the scores it came from.

    ids: (B, T + 1), table: (V, C), positions: (M, C), w: arrays by their names
    keep: None or (B, T + 1), False = padding -> loss: a number, logits: (B, T, V)
    """
    ...


@exercise.solution
def solution(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    def norm(z: Any, gamma: Any, beta: Any) -> Any:
        centred = z - z.mean(axis=-1, keepdims=True)
        return gamma * centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) + beta

    read, asked = ids[:, :-1], ids[:, 1:]  # place t is asked for token t + 1
    (b, t), c = read.shape, table.shape[-1]
    x = table[read] + positions[:t]  # (B, T, C)
    a = norm(x, w["gamma_1"], w["beta_1"])
    q, k, v = ((a @ w[f"w_{n}"] + w[f"b_{n}"]).reshape(b, t, n_heads, c // n_heads).swapaxes(1, 2) for n in "qkv")
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(c // n_heads)  # (B, H, T, T)
    scores = np.where(np.tril(np.ones((t, t), bool)), scores, -np.inf)
    p = np.exp(scores - scores.max(axis=-1, keepdims=True))
    p = p / p.sum(axis=-1, keepdims=True)
    x = x + (p @ v).swapaxes(1, 2).reshape(b, t, c) @ w["w_o"] + w["b_o"]
    u = norm(x, w["gamma_2"], w["beta_2"]) @ w["w_1"] + w["b_1"]
    h = 0.5 * u * (1 + np.tanh(np.sqrt(2 / np.pi) * (u + 0.044715 * u**3)))
    x = norm(x + h @ w["w_2"] + w["b_2"], w["gamma"], w["beta"])
    logits = x @ table.T  # (B, T, C) (C, V) -> (B, T, V)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    losses = -np.take_along_axis(log_p, asked[..., None], axis=-1)[..., 0]  # (B, T)
    counted = np.ones((b, t), bool) if keep is None else keep[:, 1:]
    return losses[counted].sum() / max(counted.sum(), 1), logits


@exercise.truth
def truth(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    last = {"E": table, "P": positions, "gamma": w["gamma"], "beta": w["beta"]}
    block = {"0." + (name.capitalize() if name.startswith("w") else name): one for name, one in w.items()}
    logits, _ = gpt_forward(ids[:, :-1], last | {n: one for n, one in block.items() if n[2:] not in last}, n_heads)
    loss = cross_entropy_forward(logits, ids[:, 1:], keep=None if keep is None else keep[:, 1:])[0]
    return np.asarray(loss), logits


@exercise.equal
def prefix_by_prefix(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """No mask: every place is computed from the tokens up to it alone, and its row of the logits is the last one."""
    (batch, length), (v, c) = ids.shape, table.shape
    d, logits = c // n_heads, np.empty((batch, length - 1, v))

    def norm(rows: Any, name: str) -> Any:
        mean, variance = rows.mean(-1)[..., None], rows.var(-1)[..., None]
        return (rows - mean) * (variance + 1e-5) ** -0.5 * w[f"gamma{name}"] + w[f"beta{name}"]

    for b, t in np.ndindex(batch, length - 1):
        x = np.array([table[token] + positions[place] for place, token in enumerate(ids[b, : t + 1])])
        a, last = norm(x, "_1"), x[-1] + w["b_o"]
        for own in (slice(h * d, h * d + d) for h in range(n_heads)):
            q = a[-1] @ w["w_q"][:, own] + w["b_q"][own]
            scores = (a @ w["w_k"][:, own] + w["b_k"][own]) @ q / math.sqrt(d)
            weights = np.exp(scores - np.logaddexp.reduce(scores))
            last = last + weights @ (a @ w["w_v"][:, own] + w["b_v"][own]) @ w["w_o"][own]
        u = norm(last, "_2") @ w["w_1"] + w["b_1"]
        s = 1 / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * u * (1 + 0.044715 * u * u)))
        logits[b, t] = table @ norm(last + (u * s) @ w["w_2"] + w["b_2"], "")
    losses = [
        float(np.logaddexp.reduce(logits[b, t]) - logits[b, t, ids[b, t + 1]])
        for b, t in np.ndindex(batch, length - 1)
        if keep is None or keep[b, t + 1]
    ]
    return math.fsum(losses) / max(len(losses), 1), logits


@exercise.equal
def padding_blocked_too(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """One-hot rows at both ends, einsums, a mask that is added, and p of the targets by a product."""
    (batch, t), (v, c) = (len(ids), ids.shape[1] - 1), table.shape
    one_hot = np.eye(v)[ids]

    def norm(z: Any, name: str) -> Any:
        z = z - np.einsum("btc->bt", z)[..., None] / c
        return z / np.sqrt(np.einsum("btc,btc->bt", z, z)[..., None] / c + 1e-5) * w["gamma" + name] + w["beta" + name]

    def heads(z: Any, n: str) -> Any:
        return np.stack(np.split(z @ w[f"w_{n}"] + w[f"b_{n}"], n_heads, axis=-1))

    x = np.einsum("btv,vc->btc", one_hot[:, :t], table) + positions[None, :t]
    q, k, values = (heads(norm(x, "_1"), n) for n in "qkv")  # (H, B, T, D)
    scores = np.einsum("hbtd,hbsd->hbts", q, k) * (c // n_heads) ** -0.5
    scores = scores + np.triu(np.full((t, t), -1e30), 1)
    e = np.exp(scores - scores.max(-1)[..., None])
    found = np.einsum("hbts,hbsd->hbtd", e / e.sum(-1)[..., None], values)
    x = x + np.concatenate(list(found), axis=-1) @ w["w_o"] + w["b_o"]
    u = norm(x, "_2") @ w["w_1"] + w["b_1"]
    x = x + (u / 2 + u / 2 * np.tanh((u + 0.044715 * u * u * u) * (2 / np.pi) ** 0.5)) @ w["w_2"] + w["b_2"]
    logits = np.einsum("btc,vc->btv", norm(x, ""), table)
    given = np.einsum("btv,btv->bt", logits, one_hot[:, 1:])
    losses = np.log(np.exp(logits - logits.max(-1)[..., None]).sum(-1)) + logits.max(-1) - given
    counted = np.ones((batch, t)) if keep is None else keep[:, 1:].astype(float)
    return (losses * counted).sum() / max(counted.sum(), 1.0), logits


def weights(rng: np.random.Generator, c: int, f: int) -> dict[str, Any]:
    """Random arrays for the block and the last norm."""
    offsets = {f"b_{name}": 0.5 * rng.standard_normal(c) for name in "qkvo"}
    last = {"gamma": 1 + 0.5 * rng.standard_normal(c), "beta": 0.5 * rng.standard_normal(c)}
    return block_weights(rng, c, f) | offsets | last


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(b: int, t: int, c: int, f: int, n_heads: int, v: int, m: int, by: float = 1.0, **more: Any) -> Any:
        """t: places that are read."""
        table, positions = by * rng.standard_normal((v, c)), rng.standard_normal((m, c))
        ids = rng.integers(0, v, (b, t + 1))
        arguments = {"ids": ids, "table": table, "positions": positions, "w": weights(rng, c, f), "n_heads": n_heads}
        return arguments | more

    def real(*lengths: int, t: int) -> Any:
        return np.arange(t + 1) < np.array(lengths)[:, None]

    yield Given("two texts, three heads", given(2, 5, 6, 7, 3, 9, 8))
    yield Given("one text of two tokens", given(1, 1, 4, 3, 2, 5, 3))
    yield Given("B = C = F = H, T = V = M", given(4, 3, 4, 4, 4, 3, 3, keep=real(4, 2, 3, 4, t=3)))
    yield Given("D = V, T = F = M", given(2, 4, 6, 4, 2, 3, 4, keep=real(3, 5, t=4)))
    same = given(2, 4, 6, 5, 2, 7, 6, keep=real(3, 5, t=4))
    same["ids"][:] = 3
    yield Given("the same token everywhere", same)
    yield Given("no place counts", given(2, 3, 4, 5, 2, 6, 5, keep=real(1, 1, t=3)))
    yield Given("one text, no place counts, large logits", given(1, 4, 6, 3, 3, 5, 4, by=1000.0, keep=real(1, t=4)))
    for about, ((b, t, c, f, h, v), lengths, by, spare, dtype) in crossed(
        {"9 places, 3 heads, F = 1": (2, 9, 6, 1, 3, 8), "one head": (2, 5, 5, 4, 1, 2), "5 texts, one place": (5, 1, 4, 3, 2, 3),
         "B = T = H = D": (2, 2, 4, 4, 2, 4), "heads of width 1, H = V": (3, 4, 3, 2, 3, 3), "one text": (1, 3, 6, 5, 2, 7)},
        {"": None, "padding": 1, "a text of one token": 2, "one place counts": 3, "all count": 4},
        {"": 1.0, "large logits": 1000.0, "a table of small numbers": 0.02, "large scores": -1.0},
        {"": 0, "more places than tokens": 2},
        {"": float, "float32": np.float32},
    ):  # fmt: skip
        one = given(b, t, c, f, h, v, t + spare, by=abs(by))
        one["w"]["w_q"] *= 20 if by < 0 else 1
        cast = {name: one[name].astype(dtype) for name in ("table", "positions")}
        kept = {
            1: rng.integers(2, t + 2, b),
            2: [t + 1] * (b - 1) + [1],
            3: [1] * (b - 1) + [2],
            4: [1] * b,
            5: [t + 1] * b,
        }
        more = {"keep": real(*kept[lengths], t=t)} if lengths else {}
        yield Given(about, one | cast | {"w": {name: array.astype(dtype) for name, array in one["w"].items()}} | more)
    yield Given("more texts than columns and kinds of tokens", given(6, 3, 4, 5, 2, 3, 7))
    for name, maps in (("scores", ("w_q", "w_k")), ("numbers in the network", ("w_1", "w_2"))):
        wide = given(6, 3, 4, 5, 1, 5, 3, keep=real(4, 2, 4, 3, 4, 1, t=3))
        wide["w"] |= {one: 20 * wide["w"][one] for one in maps}
        yield Given(f"more texts than columns, large {name}", wide)
