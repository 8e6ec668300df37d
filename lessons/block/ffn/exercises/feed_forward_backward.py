"""The feed-forward network, backward."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention_backward import UPSTREAM
from lessons.block.ffn.exercises.feed_forward import mixed, network
from lessons.block.ffn.exercises.gelu import legendre
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import by_hand
from tfx.ops.feed_forward.feed_forward import feed_forward_backward as library
from tfx.ops.feed_forward.feed_forward import feed_forward_forward

exercise = Exercise(
    "feed-forward-backward",
    "Backward through the feed-forward network",
    step="way_back",
    level=3,
    rules=[
        "The forward is a = x w_1 + b_1, h = activation(a), y = h w_2 + b_2, for each token; a and h have to be made again.",
        "dy, the gradient of the loss for y, and x are (..., C), w_1 (C, F), b_1 (F,), w_2 (F, C), b_2 (C,).",
        "Every gradient has the shape of its array; those of maps and offsets are summed over all tokens.",
        "activation is relu or gelu, relu unless told; at 0 relu has the slope 0. gelu is exact: x (1 + erf(x / sqrt(2))) / 2.",
        "All arguments stay as they are.",
    ],
    hints=[
        "Undo the three lines from the last to the first: y from h, h from a, a from x.",
        "y = h w + b for many rows: dh = dy w^T, dw = h^T dy, db = the sum of the rows of dy.",
        "x reshaped to (tokens, C) makes the sums over all axes in front one product.",
        "gelu is x times a share that depends on x: how many terms has the derivative of a product?",
    ],
    learned="each line is undone in turn: dh = dy w_2^T, da = dh times the slope at a, and rows are summed for the weights.",
    results=["dx: (..., C)", "dw_1: (C, F)", "db_1: (F,)", "dw_2: (F, C)", "db_2: (C,)"],
)


@exercise.stub
def feed_forward_backward(dy, x, w_1, b_1, w_2, b_2, activation="relu"):
    """Gradients of y = activation(x w_1 + b_1) w_2 + b_2.

    dy, x: (..., C), w_1: (C, F), b_1: (F,), w_2: (F, C), b_2: (C,), activation: "relu" or "gelu"
    -> dx, dw_1, db_1, dw_2, db_2, each of the shape of its array
    """
    ...


@exercise.solution
def solution(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])  # N tokens: (N, C)
    a = rows @ w_1 + b_1  # (N, C) (C, F) -> (N, F)
    if activation == "gelu":
        share = 0.5 * (1 + np.vectorize(math.erf)(a / np.sqrt(2)))
        h, slope = a * share, share + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)
    else:
        h, slope = np.maximum(a, 0), a > 0
    da = drows @ w_2.T * slope  # y = h w_2 + b_2, h = activation(a): (N, C) (C, F) -> (N, F)
    dx = (da @ w_1.T).reshape(x.shape)  # a = x w_1 + b_1: (N, F) (F, C) -> (N, C)
    return dx, rows.T @ da, da.sum(axis=0), h.T @ drows, drows.sum(axis=0)


@exercise.truth
def truth(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    return tuple(library(dy, feed_forward_forward(x, w_1, b_1, w_2, b_2, activation)[1]))


@exercise.equal
def token_by_token(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The gradients of the weights are added up, an outer product for each token."""
    c, f = w_1.shape
    dx, dw_1, db_1, dw_2, db_2 = np.empty(x.shape), np.zeros((c, f)), np.zeros(f), np.zeros((f, c)), np.zeros(c)
    for at in np.ndindex(*x.shape[:-1]):
        a = [float(x[at] @ key) + offset for key, offset in zip(w_1.T, b_1.tolist(), strict=True)]
        if activation == "gelu":
            share = [math.erfc(-one / 2**0.5) / 2 for one in a]
            h = [one * part for one, part in zip(a, share, strict=True)]
            bells = [math.exp(-one * one / 2) / math.sqrt(2 * math.pi) for one in a]
            slope = [part + one * bell for one, part, bell in zip(a, share, bells, strict=True)]
        else:
            h, slope = [max(one, 0.0) for one in a], [float(one > 0) for one in a]
        da = np.array(slope) * (w_2 @ dy[at])
        dx[at] = w_1 @ da
        dw_1 += np.outer(x[at], da)
        db_1 += da
        dw_2 += np.outer(h, dy[at])
        db_2 += dy[at]
    return dx, dw_1, db_1, dw_2, db_2


@exercise.equal
def with_einsum(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The slope of gelu from a complex step, with erf as a sum over the bell curve; relu's from its sign."""
    a = np.einsum("...c,cf->...f", x, w_1) + b_1
    if activation == "gelu":
        places, shares = legendre()
        moved = np.clip(a.astype(float), -9, 9) + 1e-30j
        bells = np.exp(-((moved[..., None] * (places + 1) / 2) ** 2) / 2) @ shares * moved / np.sqrt(8 * np.pi)
        h, slope = a * (0.5 + bells.real), (moved * (0.5 + bells)).imag / 1e-30
    else:
        slope = (np.sign(a) + np.abs(np.sign(a))) / 2
        h = a * slope
    da = np.einsum("...c,fc,...f->...f", dy, w_2, slope)
    drows, dhidden, rows, hidden = (one.reshape(-1, one.shape[-1]) for one in (dy, da, x, h))
    return (
        np.einsum("...f,cf->...c", da, w_1),
        np.einsum("nc,nf->cf", rows, dhidden),
        np.einsum("nf->f", dhidden),
        np.einsum("nf,nc->fc", hidden, drows),
        np.einsum("nc->c", drows),
    )


@exercise.steps
def steps(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> dict[str, Any]:
    def both(some: Any) -> list[Any]:
        """With the axes of x, and as one long batch of tokens."""
        return [some, some.reshape(-1, some.shape[-1])]

    a = x @ w_1 + b_1
    share = 0.5 * (1 + np.vectorize(math.erf, otypes=[float])(a / np.sqrt(2)))
    gelu = activation == "gelu"
    slope = share + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi) if gelu else (a > 0) * 1.0
    found = solution(dy, x, w_1, b_1, w_2, b_2, activation)
    return {
        "a: before the bend, (..., F)": both(a),
        "h: behind it": both(a * share if gelu else np.maximum(a, 0)),
        "dh: the gradient of h": both(dy @ w_2.T),
        "slope: of the bend, at a": both(slope),
        "da: the gradient of a": both(dy @ w_2.T * slope),
        **dict(zip(exercise.results, found, strict=True)),
    }


@exercise.cell
def dh(at: tuple[int, ...], dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> str:
    return by_hand(*zip(dy[at[:-1]], w_2[at[-1]], strict=True))


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(*front: int, c: int, f: int, by: float = 1.0, up: float = 1.0, **more: Any) -> dict[str, Any]:
        return {"dy": up * rng.standard_normal((*front, c)), **network(rng, *front, c=c, f=f, by=by), **more}

    yield Given("two texts of three tokens", given(2, 3, c=4, f=7))
    yield Given("one token alone", given(c=4, f=6))
    yield Given("four axes", given(2, 3, 2, c=3, f=5))
    yield Given("F = C", given(2, 3, c=4, f=4))
    yield Given("T = C = F", given(3, c=3, f=3))
    yield Given("T = F", given(2, 5, c=3, f=5))
    yield Given("width 1", given(3, c=1, f=4))
    yield Given("one hidden unit", given(2, 3, c=4, f=1))
    yield Given("one token of a batch", given(1, 1, c=3, f=6))
    yield Given("large numbers", given(2, 3, c=4, f=8, by=100.0))
    yield Given("a tiny gradient", given(2, 3, c=4, f=8, up=1e-8))
    yield Given("a gradient of ones", {**given(2, 3, c=4, f=8), "dy": np.ones((2, 3, 4))})
    silent = given(2, 3, c=4, f=6)
    silent["w_1"][:, 2], silent["b_1"][2], silent["b_1"][4] = 0.0, 0.0, -50.0
    yield Given("a unit at 0 exactly, and one that never fires", silent)
    yield Given("gelu", given(2, 3, c=4, f=7, activation="gelu"))
    yield Given("gelu, F = C", given(4, c=3, f=3, activation="gelu"))
    yield Given("gelu, one token alone", given(c=5, f=8, activation="gelu"))
    yield Given("gelu, numbers that saturate it", given(2, 3, c=4, f=6, by=20.0, activation="gelu"))
    yield Given("relu, asked for", given(3, 2, c=2, f=8, activation="relu"))
    yield Given("float32", {key: value.astype(np.float32) for key, value in given(2, 3, c=6, f=9).items()})
    low = given(2, 3, c=4, f=5, by=0.1) | {"b_1": np.full(5, -2.2)}
    small = {key: value.astype(np.float32) for key, value in low.items()}
    yield Given("gelu in float32, where it is below 0", small | {"activation": "gelu"})
    for about, one, ((up, to),) in mixed(rng, UPSTREAM):
        dy = up * rng.standard_normal(one["x"].shape) + to
        yield Given(about, {"dy": dy.astype(one["x"].dtype)} | one)
