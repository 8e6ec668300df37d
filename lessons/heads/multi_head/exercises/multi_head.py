"""Multi-head self-attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention import causal, scattered
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import by_hand
from tfx.ops.attention.multi_head import Maps, multi_head_attention_forward

exercise = Exercise(
    "multi-head",
    "Multi-head self-attention",
    rules=[
        "x is (B, T, C); w_q, w_k, w_v and w_o are (C, C), without offsets; vectors are rows: x @ w.",
        "Head h has the columns h * D to (h + 1) * D of the maps, D = C / n_heads; heads are put side by side, then w_o.",
        "Scores are divided by sqrt(D). mask is None, or boolean (T, T) or (B, 1, T, T), True = may look.",
        "Every query may look somewhere. Scores of thousands do not overflow. All arguments stay as they are.",
    ],
    hints=[
        "(B, T, C) becomes (B, T, n_heads, D): which axes change places, so that T and D are the last two?",
        "Which width does a head have, and so which divisor?",
        "On the way back the axes change places again before the heads are put side by side.",
    ],
    learned="reshape to (B, T, H, D), turn to (B, H, T, D), attend, turn back, put side by side, mix by w_o.",
    results=["y: (B, T, C)"],
    step="in_code",
)


@exercise.stub
def multi_head(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    """Every head attends in its own D = C / n_heads columns; w_o mixes what they give.

    x: (B, T, C), w_*: (C, C), mask: None, (T, T) or (B, 1, T, T), True = may look -> (B, T, C)
    """
    ...


@exercise.solution
def solution(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    batch, t, c = x.shape
    q, k, v = ((x @ w).reshape(batch, t, n_heads, c // n_heads).transpose(0, 2, 1, 3) for w in (w_q, w_k, w_v))
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(c // n_heads)  # (B, H, T, T)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    heads = weights @ v  # (B, H, T, D)
    return heads.transpose(0, 2, 1, 3).reshape(batch, t, c) @ w_o


@exercise.truth
def truth(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    maps = Maps(w_q, w_k, w_v, w_o, None, None, None, None)
    return multi_head_attention_forward(x, x, maps, n_heads=n_heads, mask=mask)[0]


@exercise.equal
def head_by_head(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Every head with its own columns, and its own rows of w_o."""
    d, y = x.shape[-1] // n_heads, np.zeros(x.shape)
    for h in range(n_heads):
        own = slice(h * d, (h + 1) * d)
        scores = np.einsum("btd,bsd->bts", x @ w_q[:, own], x @ w_k[:, own]) / d**0.5
        if mask is not None:
            scores = np.where(mask if mask.ndim == 2 else mask[:, 0], scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        y += weights @ (x @ w_v[:, own]) @ w_o[own]
    return y


@exercise.steps
def steps(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> dict[str, Any]:
    batch, t, c = x.shape
    rows = [(x @ w).reshape(batch, t, n_heads, c // n_heads) for w in (w_q, w_k, w_v)]
    q, k, v = (one.transpose(0, 2, 1, 3) for one in rows)
    raw = q @ k.transpose(0, 1, 3, 2)
    scores = raw / np.sqrt(c // n_heads)
    masked = scores if mask is None else np.where(mask, scores, -np.inf)
    weights = np.exp(masked - masked.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    heads = weights @ v
    beside = heads.transpose(0, 2, 1, 3).reshape(x.shape)
    return {
        "q: in heads, (B, H, T, D)": [q, rows[0], x @ w_q],
        "k: in heads, (B, H, T, D)": [k, rows[1], x @ w_k],
        "v: in heads, (B, H, T, D)": [v, rows[2], x @ w_v],
        "scores: (B, H, T, T)": [scores, raw, masked],
        "weights: (B, H, T, T)": weights,
        "heads: what each gives, (B, H, T, D)": [heads, heads.transpose(0, 2, 1, 3), beside],
        "y: (B, T, C)": beside @ w_o,
    }


@exercise.cell
def scores(at: tuple[int, ...], x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> str:
    b, h, t, s = at
    d = x.shape[-1] // n_heads
    own = slice(h * d, (h + 1) * d)
    q, k = x[b, t] @ w_q[:, own], x[b, s] @ w_k[:, own]
    return by_hand(*zip(q, k, strict=True), then=(f" / sqrt({d})", d**-0.5))


#: words -> a mask, from the number of texts and of tokens
MASKS: dict[str, Any] = {
    "": None,
    "a causal mask": lambda rng, b, t: causal(rng, (t, t)),
    "a scattered mask": lambda rng, b, t: scattered(rng, (t, t)),
    "a mask for each text": lambda rng, b, t: scattered(rng, (b, 1, t, t)),
    "the first token blocked": lambda rng, b, t: (np.arange(t) >= min(1, t - 1)) & np.ones((t, t), bool),
    "a mask that hides nothing": lambda rng, b, t: np.ones((t, t), bool),
}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(b: int, t: int, c: int, n_heads: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        maps = {name: rng.standard_normal((c, c)) / c**0.5 for name in ("w_q", "w_k", "w_v", "w_o")}
        return {"x": by * rng.standard_normal((b, t, c)), **maps, "n_heads": n_heads} | more

    yield Given("two texts, three heads", given(2, 5, 12, 3))
    yield Given("one text", given(1, 4, 6, 2))
    yield Given("one head", given(2, 3, 4, 1))
    yield Given("heads of width 1", given(2, 3, 4, 4))
    yield Given("one token", given(3, 1, 6, 2))
    yield Given("B = T = H = D", given(2, 2, 4, 2))
    yield Given("T = H", given(2, 3, 12, 3))
    yield Given("B = H", given(3, 4, 6, 3))
    yield Given("T = D", given(2, 4, 8, 2))
    yield Given("large x", given(2, 4, 6, 2, by=6.0))
    yield Given("very large scores", given(2, 4, 6, 2, by=60.0))
    yield Given("small x", given(2, 4, 6, 2, by=0.01))
    yield Given("a causal mask", given(2, 5, 6, 2, mask=np.tril(np.ones((5, 5), bool))))
    padded = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)[:, None, None, :] & np.ones((2, 1, 4, 4), bool)
    yield Given("a mask for each text", given(2, 4, 6, 3, mask=padded))
    low = given(2, 4, 6, 2)
    low["x"][..., 0], low["w_q"][0], low["w_k"][0] = 100.0, 1.0, -1.0
    yield Given("scores far below 0 in front of the mask", {**low, "mask": np.tril(np.ones((4, 4), bool))})
    yield Given("a causal mask, T = H", given(2, 3, 6, 3, mask=np.tril(np.ones((3, 3), bool))))
    small = given(2, 3, 6, 2)
    yield Given(
        "float32", {key: value.astype(np.float32) if key != "n_heads" else value for key, value in small.items()}
    )
    for about, ((b, t, c, n_heads), by, mask, dtype) in crossed(
        {"2 texts, 3 heads": (2, 5, 12, 3), "1 text, 2 heads": (1, 4, 6, 2), "one head": (2, 3, 4, 1), "1 text, one head": (1, 3, 5, 1),
         "heads of width 1": (2, 3, 4, 4), "one token": (3, 1, 6, 2), "all sizes 2": (2, 2, 4, 2), "T = H": (2, 3, 12, 3),
         "B = H": (3, 4, 6, 3), "T = C": (2, 6, 6, 2), "B = T": (4, 4, 6, 2), "B and H above T": (3, 2, 12, 3)},
        {"": 1.0, "large scores": 40.0, "tiny x": 1e-3}, MASKS, {"": float, "float32": np.float32},
    ):  # fmt: skip
        given_ = given(b, t, c, n_heads, by=by)
        if by > 1:  # scores are sums of whole numbers, which float32 holds exactly
            given_ = {
                name: np.round(one * (1 if name == "x" else 2)) if name in ("x", "w_q", "w_k") else one
                for name, one in given_.items()
            }
        given_ = {name: one.astype(dtype) if name != "n_heads" else one for name, one in given_.items()}
        yield Given(about, given_ | ({} if mask is None else {"mask": mask(rng, b, t)}))
