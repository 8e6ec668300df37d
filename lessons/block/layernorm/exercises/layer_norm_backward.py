"""LayerNorm, backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention_backward import UPSTREAM
from lessons.block.layernorm.exercises.layer_norm import EPS, GAINS, SHAPES, TOKENS
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import by_hand, number
from tfx.ops.norms.layer_norm import layer_norm_backward as library
from tfx.ops.norms.layer_norm import layer_norm_forward

exercise = Exercise(
    "layer-norm-backward",
    "Backward through LayerNorm",
    level=3,
    rules=[
        "The forward is y = gamma * (x - mean) / sqrt(variance + eps) + beta, for each token over its C numbers.",
        "dy, the gradient of the loss for y, and x are (..., C), gamma is (C,).",
        "dx has the shape of x; dgamma and dbeta are (C,), summed over all tokens.",
        "dy, x and gamma stay as they are.",
    ],
    hints=[
        "gamma and beta are used by every token. So over what are their gradients summed?",
        "With n = (x - mean) / deviation and g = dy * gamma: both mean and variance depend on every number of the token.",
        "dx = (g - mean(g) - n * mean(g * n)) / deviation. Which of the two means comes from the mean, which from the variance?",
    ],
    learned="the mean takes out mean(g), the variance takes out n * mean(g n): dx is at right angles to both.",
    results=["dx: (..., C)", "dgamma: (C,)", "dbeta: (C,)"],
)


@exercise.stub
def layer_norm_backward(dy, x, gamma, eps=1e-5):
    """Gradients of y = gamma * (x - mean) / sqrt(variance + eps) + beta.

    dy, x: (..., C), gamma: (C,) -> dx: (..., C), dgamma: (C,), dbeta: (C,)
    """
    ...


@exercise.solution
def solution(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    n, g = centred / deviation, dy * gamma
    dx = (g - g.mean(axis=-1, keepdims=True) - n * (g * n).mean(axis=-1, keepdims=True)) / deviation
    tokens = tuple(range(x.ndim - 1))
    return dx, (dy * n).sum(axis=tokens), dy.sum(axis=tokens)


@exercise.truth
def truth(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    dx, dgamma, dbeta = library(dy, layer_norm_forward(x, gamma, np.zeros_like(gamma), eps)[1])
    return dx, dgamma, dbeta


@exercise.equal
def by_the_jacobian(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """Token by token, with the whole matrix of slopes."""
    c, dx = x.shape[-1], np.empty_like(x)
    dgamma, dbeta = np.zeros(c), np.zeros(c)
    for at in np.ndindex(*x.shape[:-1]):
        row = x[at] - x[at].mean()
        s = (row @ row / c + eps) ** 0.5
        n = row / s
        dx[at] = (np.eye(c) - 1 / c - np.outer(n, n) / c) @ (dy[at] * gamma) / s
        dgamma += dy[at] * n
        dbeta += dy[at]
    return dx, dgamma, dbeta


@exercise.equal
def by_the_complex_step(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    def y(some: Any, gain: Any) -> Any:
        centred = some - some.mean(-1, keepdims=True)
        return gain * centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + eps)

    x, gamma, step = x.astype(float), gamma.astype(float), 1e-30
    dx, dgamma = np.empty(x.shape), np.empty(gamma.shape)
    for place in range(x.size):
        moved = x.astype(complex)
        moved.flat[place] += 1j * step
        dx.flat[place] = (dy * y(moved, gamma)).imag.sum() / step
    for place in range(gamma.size):
        gain = gamma.astype(complex)
        gain[place] += 1j * step
        dgamma[place] = (dy * y(x, gain)).imag.sum() / step
    return dx, dgamma, dy.reshape(-1, x.shape[-1]).sum(0)


@exercise.steps
def steps(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> dict[str, Any]:
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    n, g = centred / deviation, dy * gamma
    dx = (g - g.mean(axis=-1, keepdims=True) - n * (g * n).mean(axis=-1, keepdims=True)) / deviation
    tokens = tuple(range(x.ndim - 1))
    return {
        "deviation: by what the forward divides": [deviation, deviation[..., 0]],
        "n: x, normalised": n,
        "g: the gradient of n": g,
        "dx: (..., C)": dx,
        "dy * n": dy * n,
        "dgamma: (C,)": (dy * n).sum(axis=tokens),
        "dbeta: (C,)": dy.sum(axis=tokens),
    }


@exercise.cell
def n(at: tuple[int, ...], dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> str:
    row = x[at[:-1]]
    gap, variance = row[at[-1]] - row.mean(), row.var()
    return f"{number(gap)} / sqrt({number(variance)} + {eps:g}) = {number(gap / np.sqrt(variance + eps))}"


@exercise.cell
def dbeta(at: tuple[int, ...], dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> str:
    column = dy[..., at[0]].reshape(-1)
    return by_hand(*((one, 1) for one in column))


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
    yield Given("one token of a batch", given(1, 1, 5))
    yield Given("numbers of size 1000", given(2, 5, by=1000.0))
    yield Given("numbers far from 0", given(2, 5, to=50.0))
    yield Given("tiny numbers, where eps counts", given(2, 5, by=1e-3))
    yield Given("a large eps", given(2, 5, eps=0.1))
    yield Given("a tiny gradient", given(2, 5, up=1e-8))
    yield Given("a gradient of ones", {**given(2, 4), "dy": np.ones((2, 4))})
    yield Given("gains of 1", {**given(2, 4), "gamma": np.ones(4)})
    yield Given("a token of equal numbers", {**given(2, 3), "x": np.array([[2.0, 2.0, 2.0], [1.0, 0.0, -4.0]])})
    yield Given("float32", {key: value.astype(np.float32) for key, value in given(2, 3, 8).items()})
    for about, (shape, tokens, gains, eps, (up, to), dtype) in crossed(
        SHAPES, TOKENS, GAINS, EPS, UPSTREAM, {"": float, "float32": np.float32}
    ):
        x, gamma, dy = tokens(rng.standard_normal(shape)), gains(rng, shape[-1]), up * rng.standard_normal(shape) + to
        yield Given(about, {name: one.astype(dtype) for name, one in (("dy", dy), ("x", x), ("gamma", gamma))} | eps)
