"""Cross-attention: the decoder looks at the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.attention.multi_head import Maps, multi_head_attention_forward

exercise = Exercise(
    "cross-attention",
    "Cross-attention",
    step="the_formula",
    rules=[
        "x is (B, T, C), of the decoder; source is (B, S, E), of the encoder. Vectors are rows: x @ w, without offsets.",
        "Queries come from x, keys and values from source. w_q is (C, A), w_k and w_v are (E, A), w_o is (A, C).",
        "Head h has the columns h * D to (h + 1) * D of the maps, D = A / n_heads; scores are divided by sqrt(D).",
        "kept is None, or boolean (B, S): False is filling of the source, which no query sees. Nothing else is hidden.",
        "A text whose source is all filling gets zeros. Scores of thousands do not overflow. All arguments stay.",
    ],
    hints=[
        "Which of T and S is the number of rows of the output? So who asks, and who answers?",
        "(B, S) belongs to texts and keys. Where do the axes of heads and queries come in?",
        "Is there anything in the source that the decoder must not see yet?",
    ],
    learned="one formula with two texts: the decoder asks, the encoder's output answers, and only its filling is hidden.",
    results=["y: (B, T, C)"],
)


@exercise.stub
def cross_attention(x, source, w_q, w_k, w_v, w_o, n_heads, kept=None):
    """Each token of the target asks, and gets a weighted mean of the source in each head.

    x: (B, T, C), source: (B, S, E), kept: None or (B, S), True = a real token -> (B, T, C)
    """
    ...


@exercise.solution
def solution(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    batch, d = len(x), w_q.shape[1] // n_heads
    q, k, v = x @ w_q, source @ w_k, source @ w_v  # (B, T, A), (B, S, A), (B, S, A)
    q, k, v = (one.reshape(batch, -1, n_heads, d).transpose(0, 2, 1, 3) for one in (q, k, v))  # (B, H, T, D)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d)  # (B, H, T, S)
    if kept is not None:
        scores = np.where(kept[:, None, None, :], scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=-1, keepdims=True)
    mixed = e / np.where(total == 0, 1, total) @ v  # (B, H, T, D)
    return mixed.transpose(0, 2, 1, 3).reshape(batch, x.shape[1], -1) @ w_o


@exercise.truth
def truth(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    mask = None if kept is None else kept[:, None, None, :]
    return multi_head_attention_forward(x, source, Maps(w_q, w_k, w_v, w_o), n_heads=n_heads, mask=mask)[0]


@exercise.equal
def filling_cut_off(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """Text by text and head by head, with the filling taken out of the source."""
    d, y = w_q.shape[1] // n_heads, np.zeros(x.shape)
    for b in range(len(x)):
        real = source[b] if kept is None else source[b][kept[b]]
        for h in range(n_heads if len(real) else 0):
            own = slice(h * d, (h + 1) * d)
            scores = x[b] @ w_q[:, own] @ (real @ w_k[:, own]).T / d**0.5
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            y[b] += weights / weights.sum(axis=1, keepdims=True) @ real @ w_v[:, own] @ w_o[own]
    return y


@exercise.equal
def maps_joined(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """w_q w_k^T and w_v w_o are one map each, per head; weights in log space."""
    (c, a), e = w_q.shape, len(w_k)
    d = a // n_heads
    asked = np.einsum("chd,ehd->hce", w_q.reshape(c, n_heads, d), w_k.reshape(e, n_heads, d)) / d**0.5
    told = np.einsum("ehd,hdc->hec", w_v.reshape(e, n_heads, d), w_o.reshape(n_heads, d, c))
    scores = np.einsum("btc,hce,bse->bhts", x, asked, source, optimize=True).astype(float)
    seen = np.ones(source.shape[:2], bool) if kept is None else kept
    scores[~np.broadcast_to(seen[:, None, None, :], scores.shape)] = -1e30
    logs = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    weights = np.exp(logs) * seen[:, None, None, :]
    return np.einsum("bhts,bse,hec->btc", weights, source, told, optimize=True)


#: words -> B, and the type of numbers; T and S; C, E, heads and their width; how large x is; which tokens of the source are words, from B and S
TEXTS: dict[str, Any] = {
    f"{b} texts{', float32' * small}": (b, np.float32 if small else float) for b in (2, 1, 3) for small in (False, True)
}
LENGTHS = {
    "T 3, S 5": (3, 5), "T = S = 3": (3, 3), "one asks": (1, 4), "one answers": (3, 1), "T 5, S 2": (5, 2), "T = S = 2": (2, 2),
}  # fmt: skip
WIDTHS = {
    "": (4, 6, 2, 3), "C = E = A": (6, 6, 2, 3), "three heads": (5, 5, 3, 2), "one head": (5, 4, 1, 4), "heads of width 1": (4, 5, 3, 1),
    "H = D": (4, 4, 2, 2), "wide heads": (3, 5, 2, 16),
}  # fmt: skip
BY = {"": 1.0, "large scores": 40.0, "very large scores": 2000.0, "tiny scores": 1e-3}
KEPT: dict[str, Any] = {
    "": lambda u: None,
    "all words": lambda u: u <= 1,
    "filling behind": lambda u: np.arange(u.shape[1]) <= u[:, :1] * u.shape[1],
    "filling anywhere": lambda u: (u < 0.5) | (u == u.max(axis=1, keepdims=True)),
    "the first source is filling": lambda u: (u < 0.7) & (np.arange(len(u)) > 0)[:, None],
    "the last source is filling": lambda u: (u < 0.7) & (np.arange(len(u)) < len(u) - 1)[:, None],
    "the first token is filling": lambda u: np.broadcast_to(np.arange(u.shape[1]) > 0, u.shape).copy(),
}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(
        b: int, t: int, s: int, c: int, e: int, a: int, n_heads: int, by: float = 1.0, **more: Any
    ) -> dict[str, Any]:  # fmt: skip
        sizes = {"w_q": (c, a), "w_k": (e, a), "w_v": (e, a), "w_o": (a, c)}
        maps = {name: n(size) / size[0] ** 0.5 for name, size in sizes.items()}
        return {"x": by * n((b, t, c)), "source": n((b, s, e)), **maps, "n_heads": n_heads} | more

    def filled(*lengths: int, s: int) -> Any:
        return np.arange(s) < np.array(lengths)[:, None]

    yield Given("all sizes different", given(2, 3, 5, 4, 7, 6, 3))
    yield Given("one text, widths alike", given(1, 4, 3, 6, 6, 6, 2))
    yield Given("T = S", given(2, 4, 4, 6, 5, 8, 2))
    yield Given("T = S, C = E = A", given(2, 3, 3, 4, 4, 4, 2))
    yield Given("B = T = S = H = D", given(2, 2, 2, 4, 4, 4, 2))
    yield Given("one head", given(2, 3, 4, 5, 6, 4, 1))
    yield Given("heads of width 1", given(2, 3, 4, 5, 6, 4, 4))
    yield Given("one token asks", given(3, 1, 5, 4, 6, 6, 2))
    yield Given("one token answers", given(2, 4, 1, 4, 6, 6, 2))
    one = np.array([[1], [0], [1]], bool)
    yield Given("one token asks one, very large scores", given(3, 1, 1, 6, 6, 6, 2, by=2000.0, kept=one))
    yield Given("three tokens ask one, B = T", given(3, 3, 1, 6, 6, 6, 2, kept=one))
    yield Given(
        "small scores and filling, B = T = S", given(3, 3, 3, 6, 6, 6, 2, by=1e-3, kept=np.tri(3, dtype=bool)[:, ::-1])
    )
    yield Given(
        "wide heads and filling, B = T", given(3, 3, 2, 6, 6, 32, 2, kept=np.array([[1, 0], [0, 1], [0, 0]], bool))
    )
    yield Given("wide heads", given(2, 2, 3, 4, 5, 64, 2))
    yield Given("large scores", given(2, 3, 4, 6, 4, 6, 2, by=20.0))
    yield Given("very large scores", given(2, 3, 4, 6, 4, 6, 2, by=2000.0))
    yield Given("small scores", given(2, 3, 4, 6, 4, 6, 2, by=1e-3))
    yield Given("filling in the source", given(3, 2, 5, 4, 6, 6, 3, kept=filled(5, 2, 3, s=5)))
    yield Given("filling, B = T = S, widths alike", given(3, 3, 3, 6, 6, 6, 2, kept=filled(2, 1, 3, s=3)))
    front = np.array([[0, 0, 1, 1], [1, 0, 1, 0]], bool)
    yield Given("filling in front and between", given(2, 4, 4, 6, 6, 6, 2, kept=front))
    yield Given("a source of nothing but filling", given(3, 2, 4, 5, 4, 6, 2, kept=filled(3, 0, 4, s=4)))
    yield Given("no filling, kept all True", given(2, 3, 4, 5, 4, 6, 2, kept=np.ones((2, 4), bool)))
    behind = given(2, 3, 4, 5, 4, 6, 2, kept=filled(2, 3, s=4))
    behind["source"][~behind["kept"]] = 1e4
    yield Given("large numbers in the filling", behind)
    small = given(2, 3, 5, 4, 6, 8, 2, kept=filled(5, 3, s=5))
    yield Given(
        "float32",
        {k: v.astype(np.float32) if getattr(v, "ndim", 0) > 2 or k[0] == "w" else v for k, v in small.items()},
    )
    for about, ((b, dtype), (t, s), (c, e, h, d), by, kept) in crossed(TEXTS, LENGTHS, WIDTHS, BY, KEPT):
        made = given(b, t, s, c, e, h * d, h, by)
        made = {name: one.astype(dtype) if isinstance(one, np.ndarray) else one for name, one in made.items()}
        words = kept(rng.random((b, s)))
        yield Given(about, made if words is None else made | {"kept": words})
