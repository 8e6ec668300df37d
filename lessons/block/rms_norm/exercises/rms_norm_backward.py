"""RMSNorm, backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention_backward import UPSTREAM
from lessons.block.layernorm.exercises.layer_norm import EPS, GAINS, SHAPES, TOKENS
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import number
from tfx.ops.norms.rms_norm import rms_norm_backward as library
from tfx.ops.norms.rms_norm import rms_norm_forward

exercise = Exercise(
    "rms-norm-backward",
    "Backward through RMSNorm",
    step="derivation",
    level=3,
    rules=[
        "The forward is y = gamma * x / sqrt(mean(x^2) + eps), for each token over its C numbers.",
        "dy, the gradient of the loss for y, and x are (..., C), gamma is (C,); eps is 1e-5 unless told.",
        "dx has the shape of x; dgamma is (C,), summed over all tokens.",
        "dy, x and gamma stay as they are.",
    ],
    hints=[
        "gamma is used by every token, and multiplies the normalised token n. So what is dgamma?",
        "x_i reaches every number of its token: its own as the one above the stroke, and all through the root.",
        "With g = dy * gamma and n = x / root: dx = (g - n * a mean over the token) / root. A mean of what?",
    ],
    learned="the root takes out n * mean(g n) and nothing else: LayerNorm's backward without mean(g).",
    results=["dx: (..., C)", "dgamma: (C,)"],
)


@exercise.stub
def rms_norm_backward(dy, x, gamma, eps=1e-5):
    """Gradients of y = gamma * x / sqrt(mean(x^2) + eps).

    dy, x: (..., C), gamma: (C,) -> dx: (..., C), dgamma: (C,)
    """
    ...


@exercise.solution
def solution(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    root = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)  # (..., C) -> (..., 1)
    n, g = x / root, dy * gamma
    dx = (g - n * (g * n).mean(axis=-1, keepdims=True)) / root
    return dx, (dy * n).sum(axis=tuple(range(x.ndim - 1)))


@exercise.truth
def truth(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    return library(dy, rms_norm_forward(x, gamma, eps)[1])


@exercise.equal
def by_the_jacobian(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """Token by token, with the whole matrix of slopes."""
    c, dx, dgamma = x.shape[-1], np.empty(x.shape), np.zeros(x.shape[-1])
    for at in np.ndindex(*x.shape[:-1]):
        square = x[at] @ x[at] / c + eps
        slopes = np.eye(c) / square**0.5 - np.outer(x[at], x[at]) / (c * square**1.5)
        dx[at] = slopes @ (gamma * dy[at])
        dgamma += dy[at] * x[at] / square**0.5
    return dx, dgamma


@exercise.equal
def by_the_complex_step(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    def y(some: Any) -> Any:
        return gamma * some / np.sqrt((some * some).mean(-1, keepdims=True) + eps)

    dx, step = np.empty(x.shape), 1e-30
    for place in range(x.shape[-1]):  # tokens do not touch each other: one step for all of them
        moved = x.astype(complex)
        moved[..., place] += 1j * step
        dx[..., place] = (dy * y(moved)).imag.sum(axis=-1) / step
    n = x / np.sqrt(np.einsum("...c,...c->...", x, x)[..., None] / x.shape[-1] + eps)
    return dx, np.einsum("tc,tc->c", dy.reshape(-1, x.shape[-1]), n.reshape(-1, x.shape[-1]))


@exercise.steps
def steps(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> dict[str, Any]:
    root = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    n, g = x / root, dy * gamma
    return {
        "root: by what the forward divides": [root, root[..., 0]],
        "n: x, normalised": n,
        "g: the gradient of n": g,
        "dx: (..., C)": (g - n * (g * n).mean(axis=-1, keepdims=True)) / root,
        "dy * n": dy * n,
        "dgamma: (C,)": (dy * n).sum(axis=tuple(range(x.ndim - 1))),
    }


@exercise.cell
def n(at: tuple[int, ...], dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> str:
    square = (x[at[:-1]] ** 2).mean()
    return f"{number(x[at])} / sqrt({number(square)} + {eps:g}) = {number(x[at] / np.sqrt(square + eps))}"


@exercise.cell
def dx(at: tuple[int, ...], dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> str:
    root, g = np.sqrt((x[at[:-1]] ** 2).mean() + eps), dy[at[:-1]] * gamma
    n = x[at[:-1]] / root
    mean = (g * n).mean()
    parts = f"({number(g[at[-1]])} - {number(n[at[-1]])} * ({number(mean)}))"
    return f"{parts} / {number(root)} = {number((g[at[-1]] - n[at[-1]] * mean) / root)}"


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(*shape: int, by: float = 1.0, to: float = 0.0, up: float = 1.0, **more: Any) -> dict[str, Any]:
        gain = 1 + 0.5 * rng.standard_normal(shape[-1])
        x, dy = to + by * rng.standard_normal(shape), up * rng.standard_normal(shape)
        return {"dy": dy, "x": x, "gamma": gain} | more

    yield Given("two texts of three tokens", given(2, 3, 5))
    yield Given("one token alone", given(6))
    yield Given("four axes", given(2, 3, 2, 4))
    yield Given("T = C", given(4, 4))
    yield Given("batch, T and C alike", given(3, 3, 3))
    yield Given("width 2", given(4, 2))
    yield Given("width 1", given(3, 1, eps=0.5))
    yield Given("one token of a batch", given(1, 1, 5))
    yield Given("numbers of size 1000", given(2, 5, by=1000.0))
    yield Given("numbers far from 0", given(2, 5, to=50.0))
    yield Given("tiny numbers, where eps counts", given(2, 5, by=1e-3))
    yield Given("a large eps", given(2, 5, eps=0.1))
    yield Given("eps = 0", given(2, 3, 4, eps=0.0))
    yield Given("a tiny gradient", given(2, 5, up=1e-8))
    yield Given("a gradient of ones", {**given(2, 4), "dy": np.ones((2, 4))})
    yield Given("gains of 1", {**given(2, 4), "gamma": np.ones(4)})
    yield Given("a token of zeros", {**given(2, 3), "x": np.array([[0.0, 0.0, 0.0], [1.0, 0.0, -4.0]])})
    yield Given("width 64", given(2, 64))
    yield Given("float32", {key: value.astype(np.float32) for key, value in given(2, 3, 8).items()})
    for about, (shape, tokens, gains, eps, (up, to), dtype) in crossed(
        SHAPES, TOKENS, GAINS, EPS, UPSTREAM, {"": float, "float32": np.float32}
    ):
        x, gamma, dy = tokens(rng.standard_normal(shape)), gains(rng, shape[-1]), up * rng.standard_normal(shape) + to
        yield Given(about, {name: one.astype(dtype) for name, one in (("dy", dy), ("x", x), ("gamma", gamma))} | eps)
