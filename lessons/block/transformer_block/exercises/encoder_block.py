"""One whole encoder block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock

exercise = Exercise(
    "encoder-block",
    "One encoder block",
    step="forward",
    level=3,
    rules=[
        "x is (B, T, C). w holds w_q, w_k, w_v, w_o, all (C, C), w_1 (C, F), b_1 (F,), w_2 (F, C), b_2 (C,), and gamma_1, "
        "beta_1, gamma_2, beta_2, all (C,). Vectors are rows: x @ w.",
        "Attention: head h has the columns h * D to (h + 1) * D of w_q, w_k and w_v, D = C / n_heads; scores are divided by "
        "sqrt(D); heads are put side by side, then w_o. It has no offsets.",
        "mask is None, or boolean and broadcasts to (B, n_heads, T, T), True = may look. A query that may look nowhere gets "
        "zeros from attention.",
        "The network has a ReLU. Norm 1 (gamma_1, beta_1) belongs to attention, norm 2 to the network; both are LayerNorm, "
        "with eps under the root.",
        "norm_place is pre, x + f(norm(x)), or post, norm(x + f(x)); pre unless told. There is no dropout.",
        "x, mask, and all that w holds stay as they are.",
    ],
    hints=[
        "Write three functions first: norm(z, gamma, beta), attention(z) and network(z). The block is two lines of them.",
        "Which x is added to what attention gives: the one before the norm, or the one behind it?",
        "What does the network read, and to what is added what it gives: x, or what the first half made of it?",
        "post: the sum is normalised, not one of its two parts.",
    ],
    learned="pre: r = x + attention(norm(x)), y = r + network(norm(r)); post puts each norm around its sum.",
    results=["y: (B, T, C)"],
)


@exercise.stub
def encoder_block(x, w, n_heads, mask=None, norm_place="pre", eps=1e-5):
    """Attention, then the network, each with a norm and a way around it.

    x: (B, T, C), w: arrays by their names, mask: None or True where a query may look
    norm_place: "pre" or "post" -> (B, T, C)
    """
    ...


@exercise.solution
def solution(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    def norm(z: Any, gamma: Any, beta: Any) -> Any:
        centred = z - z.mean(axis=-1, keepdims=True)
        return gamma * centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps) + beta

    def attention(z: Any) -> Any:
        b, t, c = z.shape
        q, k, v = ((z @ w[name]).reshape(b, t, n_heads, c // n_heads).swapaxes(1, 2) for name in ("w_q", "w_k", "w_v"))
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(c // n_heads)  # (B, H, T, D) (B, H, D, T) -> (B, H, T, T)
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        top = scores.max(axis=-1, keepdims=True)
        e = np.exp(scores - np.where(np.isneginf(top), 0, top))
        total = e.sum(axis=-1, keepdims=True)
        heads = e / np.where(total == 0, 1, total) @ v  # (B, H, T, D)
        return heads.swapaxes(1, 2).reshape(b, t, c) @ w["w_o"]

    def network(z: Any) -> Any:
        return np.maximum(z @ w["w_1"] + w["b_1"], 0) @ w["w_2"] + w["b_2"]

    norm_1, norm_2 = (w["gamma_1"], w["beta_1"]), (w["gamma_2"], w["beta_2"])
    if norm_place == "pre":
        r = x + attention(norm(x, *norm_1))
        return r + network(norm(r, *norm_2))
    r = norm(x + attention(x), *norm_1)
    return norm(r + network(r), *norm_2)


#: name in the library -> name in w
NAMES = {
    "norm1.gamma": "gamma_1", "norm1.beta": "beta_1", "norm2.gamma": "gamma_2", "norm2.beta": "beta_2",
    "attention.query.w": "w_q", "attention.key.w": "w_k", "attention.value.w": "w_v", "attention.output.w": "w_o",
    "feed_forward.first.w": "w_1", "feed_forward.first.b": "b_1", "feed_forward.second.w": "w_2",
    "feed_forward.second.b": "b_2",
}  # fmt: skip


def fill(block: EncoderBlock, w: Any) -> None:
    """Puts the arrays of w into a block of the library; what w does not have is 0."""
    for name, parameter in block.parameters().items():
        parameter.value = w[NAMES[name]] if name in NAMES else np.zeros_like(parameter.value)


@exercise.truth
def truth(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    settings = BlockSettings(
        x.shape[-1], n_heads, len(w["b_1"]), norm_place=norm_place, eps=eps, activation="relu", dtype=str(x.dtype)
    )
    block = EncoderBlock(settings, np.random.default_rng(0))
    fill(block, w)
    return block.forward(x, mask=mask)[0]


@exercise.equal
def gains_in_the_maps(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """Gains and offsets of the norms in front go into the maps behind them; scale and head sums are einsums."""
    c, d = x.shape[-1], x.shape[-1] // n_heads
    pre, one = norm_place == "pre", np.ones(c)
    g_1, g_2 = (w["gamma_1"], w["gamma_2"]) if pre else (one, one)
    o_1, o_2 = (w["beta_1"], w["beta_2"]) if pre else (0 * one, 0 * one)

    def bare(z: Any) -> Any:
        z = z - np.einsum("btc->bt", z)[..., None] / c
        return z / np.sqrt(np.einsum("btc,btc->bt", z, z)[..., None] / c + eps)

    def attention(z: Any) -> Any:
        wide = lambda name: (g_1[:, None] * w[name]).reshape(c, n_heads, d)  # noqa: E731
        off = lambda name: (o_1 @ w[name]).reshape(n_heads, d)  # noqa: E731
        q, k, v = (np.einsum("btc,chd->bthd", z, wide(name)) + off(name) for name in ("w_q", "w_k", "w_v"))
        scores = np.einsum("bthd,bshd->bhts", q * d**-0.5, k)
        seen = np.broadcast_to(True if mask is None else mask, scores.shape)
        top = np.where(seen, scores, -1e30).max(axis=-1, keepdims=True)
        e = np.exp(np.minimum(scores - top, 0)) * seen
        total = np.einsum("bhts->bht", e)[..., None]
        return np.einsum("bhts,bshd,hdc->btc", e / (total + (total == 0)), v, w["w_o"].reshape(n_heads, d, c))

    def network(z: Any) -> Any:
        a = z @ (g_2[:, None] * w["w_1"]) + (o_2 @ w["w_1"] + w["b_1"])
        return (a * (a > 0)) @ w["w_2"] + w["b_2"]

    if pre:
        r = x + attention(bare(x))
        return r + network(bare(r))
    r = bare(x + attention(x)) * w["gamma_1"] + w["beta_1"]
    return bare(r + network(r)) * w["gamma_2"] + w["beta_2"]


@exercise.equal
def token_by_token(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """Loops over texts, heads and queries."""
    (batch, t, c), d = x.shape, x.shape[-1] // n_heads
    seen = np.broadcast_to(np.True_ if mask is None else mask, (batch, n_heads, t, t))

    def norm(token: Any, half: int) -> Any:
        deviation = (np.var(token) + eps) ** 0.5
        return (token - np.mean(token)) / deviation * w[f"gamma_{half}"] + w[f"beta_{half}"]

    def looked_up(read: Any, b: int, place: int) -> Any:
        found = np.zeros(c)
        for h in range(n_heads):
            own = slice(h * d, (h + 1) * d)
            keys = [s for s in range(t) if seen[b, h, place, s]]
            if keys:
                scores = np.array([read[place] @ w["w_q"][:, own] @ (read[s] @ w["w_k"][:, own]) for s in keys])
                p = np.exp(scores / d**0.5 - max(scores / d**0.5))
                found[own] = sum(one * (read[s] @ w["w_v"][:, own]) for one, s in zip(p / p.sum(), keys, strict=True))
        return found @ w["w_o"]

    y = np.empty(x.shape)
    for b, place in np.ndindex(batch, t):
        read = [norm(token, 1) for token in x[b]] if norm_place == "pre" else x[b]
        r = x[b, place] + looked_up(read, b, place)
        r = r if norm_place == "pre" else norm(r, 1)
        read_2 = norm(r, 2) if norm_place == "pre" else r
        hidden = [max(float(read_2 @ column) + off, 0.0) for column, off in zip(w["w_1"].T, w["b_1"], strict=True)]
        f = r + np.array(hidden) @ w["w_2"] + w["b_2"]
        y[b, place] = f if norm_place == "pre" else norm(f, 2)
    return y


def weights(rng: np.random.Generator, c: int, f: int, dtype: Any = float) -> dict[str, Any]:
    """Random arrays for one block."""
    n = rng.standard_normal
    maps = {name: n((c, c)) / c**0.5 for name in ("w_q", "w_k", "w_v", "w_o")}
    network = {"w_1": n((c, f)) / c**0.5, "b_1": 0.5 * n(f), "w_2": n((f, c)) / f**0.5, "b_2": 0.5 * n(c)}
    norms = {f"gamma_{half}": 1 + 0.5 * n(c) for half in "12"} | {f"beta_{half}": 0.5 * n(c) for half in "12"}
    return {name: one.astype(dtype) for name, one in (maps | network | norms).items()}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(b: int, t: int, c: int, f: int, n_heads: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        x = by * rng.standard_normal((b, t, c))
        return {"x": x, "w": weights(rng, c, f), "n_heads": n_heads} | more

    causal = lambda t: np.tril(np.ones((t, t), bool))  # noqa: E731
    padded = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)[:, None, None, :]
    yield Given("pre: two texts, three heads", given(2, 5, 12, 7, 3))
    yield Given("post: two texts, three heads", given(2, 5, 12, 7, 3, norm_place="post"))
    nowhere = padded & np.array([1, 1, 0, 1], bool)[:, None]
    yield Given("pre: a query that may look nowhere", given(2, 4, 6, 5, 2, mask=nowhere))
    yield Given("post: a query that may look nowhere", given(2, 4, 6, 5, 2, mask=nowhere, norm_place="post"))
    yield Given("post: large x", given(2, 3, 6, 4, 2, by=60.0, norm_place="post"))
    for about, ((b, t, c, f, h), mask, by, dtype, place, eps) in crossed(
        {"2 texts, 3 heads": (2, 5, 9, 3, 3), "one text, one head": (1, 5, 4, 5, 1), "4 texts, one token": (4, 1, 4, 3, 2),
         "B = T = H = D": (2, 2, 4, 4, 2), "heads of width 1, T = C": (1, 4, 4, 1, 4), "more texts than the rest": (5, 2, 3, 1, 1)},
        {"": None, "a causal mask": causal, "a mask of keys": (1, 0, 0, 1), "blocked queries": (0, 0, 1, 0), "of heads": (0, 1, 1, 1),
         "of texts and heads": (1, 1, 1, 1), "a mask that hides nothing": lambda t: np.ones((1, t, t), bool)},
        {"": 1.0, "large x": 40.0, "tiny x": 1e-3, "a token of equal numbers": 0.0, "large scores": -1.0},
        {"": float, "float32": np.float32},
        {"": {}, "post": {"norm_place": "post"}, "pre": {"norm_place": "pre"}},
        {"": {}, "a large eps": {"eps": 0.3}, "a small eps": {"eps": 1e-7}, "eps of 1e-5": {"eps": 1e-5}},
    ):  # fmt: skip
        one = given(b, t, c, f, h, by=by or 1.0)
        if not by:
            one["x"][0, 0] = 1.5
        if by < 0:
            one["w"]["w_q"] *= 200 if dtype is float else 25
        one |= {"x": one["x"].astype(dtype), "w": {name: array.astype(dtype) for name, array in one["w"].items()}}
        if isinstance(mask, tuple):
            shape = tuple(size if has else 1 for size, has in zip((b, h, t, t), mask, strict=True))
            one["mask"] = rng.random(shape) < 0.6
            one["mask"][-1, 0, -1] = False  # one query, or text, or head, sees nothing
            if mask == (0, 0, 1, 0):
                one["mask"] = one["mask"][0, 0]
        elif mask:
            one["mask"] = mask(t)
        yield Given(about, one | place | eps)
    for place in ("pre", "post"):
        wide = given(2, 4, 6, 8, 2, norm_place=place)
        wide["w"] |= {name: 20 * wide["w"][name] for name in ("w_1", "w_2", "w_v", "w_q")}
        yield Given(f"{place}: large maps and a large network", wide)
