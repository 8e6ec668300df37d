"""Encoder blocks on top of each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np

from lessons.block.transformer_block.exercises.encoder_block import fill, gains_in_the_maps, weights
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.nn.block_settings import StackSettings
from tfx.nn.stacks import EncoderStack

exercise = Exercise(
    "encoder-stack",
    "A stack of encoder blocks",
    step="stack",
    level=3,
    rules=[
        "x is (B, T, C). blocks is a list; each of its entries holds the arrays of one block: w_q, w_k, w_v, w_o, all (C, C), "
        "w_1 (C, F), b_1 (F,), w_2 (F, C), b_2 (C,), and gamma_1, beta_1, gamma_2, beta_2, all (C,).",
        "A block is that of the exercise encoder-block, with all its rules: n_heads heads, ReLU, LayerNorm with eps = 1e-5 "
        "under the root, norm_place pre or post, pre unless told. Your encoder_block may be copied into this file.",
        "Blocks run in their order, each on what the one before it gave.",
        "Where norms stand in front (pre), one more stands behind the last block, with gamma and beta (C,). With post there "
        "is none, and gamma and beta are not used. With pre and no block at all there is that norm alone.",
        "keep is None, or boolean (B, T), False = padding: no query looks at it, in any block. A query that may look nowhere "
        "gets zeros from attention. Rows at padding are computed like all others.",
        "x, keep, gamma, beta and all that blocks holds stay as they are.",
    ],
    hints=[
        "One line in a loop: what goes into the second block?",
        "keep[:, None, None, :] has which shape? Which of the four axes are queries, and which are keys?",
        "Nothing on the way from x to the last pre block is normalised. So how large is what comes out, and what helps?",
    ],
    learned="x = block(x) in a loop, the same mask everywhere, and one last norm where blocks do not end with one.",
    results=["y: (B, T, C)"],
)


@exercise.stub
def encoder_stack(x, blocks, gamma, beta, n_heads, keep=None, norm_place="pre"):
    """Encoder blocks in a row, and the norm behind the last one.

    x: (B, T, C), blocks: a list of arrays by their names, gamma, beta: (C,), keep: None or (B, T)
    norm_place: "pre" or "post" -> (B, T, C)
    """
    ...


@exercise.solution
def solution(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    seen = None if keep is None else keep[:, None, None, :]  # (B, 1, 1, T): the last axis are the keys

    def norm(z: Any, gamma: Any, beta: Any) -> Any:
        centred = z - z.mean(axis=-1, keepdims=True)
        return gamma * centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) + beta

    def attention(z: Any, w: Any) -> Any:
        b, t, c = z.shape
        q, k, v = ((z @ w[name]).reshape(b, t, n_heads, c // n_heads).swapaxes(1, 2) for name in ("w_q", "w_k", "w_v"))
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(c // n_heads)  # (B, H, T, T)
        if seen is not None:
            scores = np.where(seen, scores, -np.inf)
        top = scores.max(axis=-1, keepdims=True)
        e = np.exp(scores - np.where(np.isneginf(top), 0, top))
        total = e.sum(axis=-1, keepdims=True)
        heads = e / np.where(total == 0, 1, total) @ v  # (B, H, T, D)
        return heads.swapaxes(1, 2).reshape(b, t, c) @ w["w_o"]

    def network(z: Any, w: Any) -> Any:
        return np.maximum(z @ w["w_1"] + w["b_1"], 0) @ w["w_2"] + w["b_2"]

    for w in blocks:
        if norm_place == "pre":
            x = x + attention(norm(x, w["gamma_1"], w["beta_1"]), w)
            x = x + network(norm(x, w["gamma_2"], w["beta_2"]), w)
        else:
            x = norm(x + attention(x, w), w["gamma_1"], w["beta_1"])
            x = norm(x + network(x, w), w["gamma_2"], w["beta_2"])
    return norm(x, gamma, beta) if norm_place == "pre" else x


@exercise.truth
def truth(x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre") -> Any:
    hidden = len(blocks[0]["b_1"]) if blocks else 1
    settings = StackSettings(
        x.shape[-1], n_heads, hidden, len(blocks), norm_place=norm_place, activation="relu", dtype=str(x.dtype)
    )
    stack = EncoderStack(settings, np.random.default_rng(0))
    for block, w in zip(stack.blocks, blocks, strict=True):
        fill(block, w)
    if stack.norm is not None:
        stack.norm.gamma.value, stack.norm.beta.value = gamma, beta
    return stack.forward(x, mask=None if keep is None else keep[:, None, None, :])[0]


@exercise.equal
def text_by_text(
    x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre"
) -> Any:
    """One text at a time; keys that are padding are left out, not blocked."""
    d = x.shape[-1] // n_heads

    def norm(z: Any, gain: Any, offset: Any) -> Any:
        return ((z.T - z.mean(1)) / (z.var(1) + 1e-5) ** 0.5).T * gain + offset

    def attention(z: Any, w: Any, real: Any) -> Any:
        out = np.zeros(z.shape)
        for own in (slice(h * d, h * d + d) for h in range(n_heads)):
            scores = z @ w["w_q"][:, own] @ (z[real] @ w["w_k"][:, own]).T / d**0.5
            if scores.size:
                e = np.exp(scores - scores.max(1)[:, None])
                out += e @ z[real] @ w["w_v"][:, own] @ w["w_o"][own] / e.sum(1)[:, None]
        return out

    def through(z: Any, w: Any, real: Any) -> Any:
        one, two = (w["gamma_1"], w["beta_1"]), (w["gamma_2"], w["beta_2"])
        feed = lambda z: np.clip(z @ w["w_1"] + w["b_1"], 0, None) @ w["w_2"] + w["b_2"]  # noqa: E731
        if norm_place == "post":
            z = norm(z + attention(z, w, real), *one)
            return norm(z + feed(z), *two)
        z = z + attention(norm(z, *one), w, real)
        return z + feed(norm(z, *two))

    texts = []
    for b, z in enumerate(x):
        for w in blocks:
            z = through(z, w, np.arange(len(z)) if keep is None else np.flatnonzero(keep[b]))
        texts.append(norm(z, gamma, beta) if norm_place == "pre" else z)
    return np.stack(texts)


@exercise.equal
def folded(x: Any, blocks: Any, gamma: Any, beta: Any, n_heads: int, keep: Any = None, norm_place: str = "pre") -> Any:
    """A fold over blocks that have their gains in the maps; the last norm by a projection."""
    seen, c = None if keep is None else keep[:, None, None, :], x.shape[-1]
    y = reduce(lambda z, w: gains_in_the_maps(z, w, n_heads, seen, norm_place), blocks, x)
    if norm_place == "post":
        return y
    y = y @ (np.eye(c) - np.full((c, c), 1 / c))
    return y / np.hypot(np.linalg.norm(y, axis=-1, keepdims=True) / c**0.5, 1e-5**0.5) @ np.diag(gamma) + beta


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(b: int, t: int, c: int, f: int, n_heads: int, n: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        blocks = [weights(rng, c, f) for _ in range(n)]
        norm = {"gamma": 1 + 0.5 * rng.standard_normal(c), "beta": 0.5 * rng.standard_normal(c)}
        return {"x": by * rng.standard_normal((b, t, c)), "blocks": blocks, **norm, "n_heads": n_heads} | more

    def real(*lengths: int, t: int) -> Any:
        return np.arange(t) < np.array(lengths)[:, None]

    yield Given("pre: three blocks", given(2, 5, 6, 7, 3, 3))
    yield Given("post: three blocks", given(2, 5, 6, 7, 3, 3, norm_place="post"))
    yield Given("pre: padding", given(2, 4, 6, 5, 3, 2, keep=real(4, 2, t=4)))
    yield Given("post: padding", given(2, 4, 6, 5, 3, 2, keep=real(3, 2, t=4), norm_place="post"))
    yield Given("pre: a text of padding alone", given(2, 4, 6, 5, 2, 2, keep=real(4, 0, t=4)))
    yield Given("post: a text of padding alone", given(2, 3, 4, 5, 2, 2, keep=real(0, 2, t=3), norm_place="post"))
    behind = given(2, 4, 6, 5, 2, 2, keep=real(3, 2, t=4))
    behind["x"][0, 3], behind["x"][1, 2:] = 1e3, -1e3
    yield Given("large numbers at padding", behind)
    yield Given(
        "more texts than tokens, and those more than C = F = H", given(5, 4, 3, 3, 3, 3, keep=real(4, 2, 1, 3, 4, t=4))
    )
    yield Given("pre: no block", given(2, 3, 4, 5, 2, 0))
    yield Given("no block, padding, float32", _single(given(1, 3, 6, 5, 3, 0, by=0.01, keep=real(2, t=3))))
    yield Given("pre, asked for, no block, large x", given(3, 1, 3, 5, 1, 0, by=30.0, norm_place="pre"))
    for about, ((b, t, c, f, h), padding, n, by, dtype, place) in crossed(
        {"one text, 3 heads": (1, 5, 9, 5, 3), "one head, B = T = C": (4, 4, 4, 3, 1), "one token": (3, 1, 6, 3, 2),
         "B = T = H = D": (2, 2, 4, 4, 2), "heads of width 1": (3, 2, 3, 1, 3)},
        {"": None, "padding behind": 1, "in front, one text alone": 2, "here and there": 3, "none": 4},
        {"2 blocks": 2, "one block": 1, "3 blocks": 3, "5 blocks": 5},
        {"": 1.0, "large x": 30.0, "tiny x": 1e-3, "a token of equal numbers": 0.0},
        {"": float, "float32": np.float32},
        {"": {}, "post": {"norm_place": "post"}, "pre": {"norm_place": "pre"}},
    ):  # fmt: skip
        one = given(b, t, c, f, h, n, by=by or 1.0) | place
        one["x"][0, 0] = one["x"][0, 0] if by else 1.5
        length = np.where(np.arange(b) == b - 1, 0, rng.integers(1, t + 1, b))[:, None]
        kept = {
            1: np.arange(t) < length + (length == 0),
            2: np.arange(t) >= t - length,
            3: rng.random((b, t)) < 0.6,
            4: np.ones((b, t), bool),
        }
        yield Given(
            about, (_single(one) if dtype is np.float32 else one) | ({"keep": kept[padding]} if padding else {})
        )
    for place in ("pre", "post"):
        wide = given(2, 4, 6, 5, 2, 3, norm_place=place)
        for block in wide["blocks"]:
            block |= {name: 20 * block[name] for name in ("w_q", "w_k", "w_1", "w_2")}
        yield Given(f"{place}: large maps in every block", wide)


def _single(arguments: dict[str, Any]) -> dict[str, Any]:
    def cast(one: Any) -> Any:
        if isinstance(one, np.ndarray) and one.dtype == float:
            return one.astype(np.float32)
        if isinstance(one, dict):
            return {name: cast(part) for name, part in one.items()}
        return [cast(part) for part in one] if isinstance(one, Sequence) and not isinstance(one, str) else one

    return {name: cast(one) for name, one in arguments.items()}
