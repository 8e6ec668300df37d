"""LayerNorm, forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import by_hand, number
from tfx.ops.norms.layer_norm import layer_norm_forward

exercise = Exercise(
    "layer-norm",
    "LayerNorm",
    level=1,
    rules=[
        "x is (..., C), gamma and beta are (C,); each token is normalised by itself, over its C numbers.",
        "The variance divides by C. eps is added to the variance, under the root.",
        "The result has the shape of x, and x, gamma and beta stay as they are.",
    ],
    hints=[
        "Over which axis do mean and variance run? keepdims=True keeps the shapes fitting.",
        "Is eps added to the variance or to its root?",
        "In which order come the division by the deviation, gamma and beta?",
    ],
    learned="mean and variance of one token over its width, eps under the root, then gain and offset.",
    results=["y: (..., C)"],
    step="by_itself",
)


@exercise.stub
def layer_norm(x, gamma, beta, eps=1e-5):
    """Every token gets mean 0 and variance 1, then a learned gain and offset.

    x: (..., C), gamma, beta: (C,) -> (..., C)
    """
    ...


@exercise.solution
def solution(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + eps) + beta


@exercise.truth
def truth(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    return layer_norm_forward(x, gamma, beta, eps)[0]


@exercise.equal
def token_by_token(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    out = np.empty_like(x)
    for at in np.ndindex(*x.shape[:-1]):
        row = x[at] - x[at].mean()
        out[at] = gamma * row * (row @ row / row.size + eps) ** -0.5 + beta
    return out


@exercise.steps
def steps(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> dict[str, Any]:
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    deviation = np.sqrt(variance + eps)
    n = (x - mean) / deviation
    return {
        "mean: of each token": [mean, mean[..., 0]],
        "variance: of each token": [variance, variance[..., 0], variance + eps, variance[..., 0] + eps],
        "deviation: by what is divided": [deviation, deviation[..., 0]],
        "n: x, normalised": n,
        "y: (..., C)": gamma * n + beta,
    }


@exercise.cell
def variance(at: tuple[int, ...], x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> str:
    row = x[at[: x.ndim - 1]]
    gaps = row - row.mean()
    return by_hand(*zip(gaps, gaps, strict=True), then=(f" / {len(row)}", 1 / len(row)))


@exercise.cell
def n(at: tuple[int, ...], x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> str:
    row = x[at[:-1]]
    gap, variance = row[at[-1]] - row.mean(), row.var()
    return f"{number(gap)} / sqrt({number(variance)} + {eps:g}) = {number(gap / np.sqrt(variance + eps))}"


#: words -> shape; what the numbers of a token are like; gains and offsets, from their number; eps
SHAPES: dict[str, tuple[int, ...]] = {
    "5": (5,), "3 x 4": (3, 4), "4 x 2 x 3": (4, 2, 3), "3 x 3 x 3": (3, 3, 3), "1 x 3": (1, 3), "3 x 1": (3, 1),
    "3 x 1 x 2 x 4": (3, 1, 2, 4), "2 x 96": (2, 96),
}  # fmt: skip
TOKENS: dict[str, Callable[[Any], Any]] = {
    "": lambda n: n,
    "numbers near 20": lambda n: 20 + n,
    "numbers near -6": lambda n: n - 6,
    "numbers of size 1000": lambda n: 1000 * n,
    "numbers of size 0.001": lambda n: n / 1000,
    "the last token of equal numbers": lambda n: np.where(
        np.arange(n.size).reshape(n.shape) < n.size - n.shape[-1], n, 2.0
    ),
    "one number above all": lambda n: n + 300.0 * (np.arange(n.shape[-1]) == n.shape[-1] - 1),
    "tokens of different size": lambda n: n * 10.0 ** np.arange(-1, n.size - 1).reshape(n.shape).clip(max=1),
}
GAINS: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "": lambda rng, c: 1 + 0.5 * rng.standard_normal(c),
    "gains of 1": lambda rng, c: np.ones(c),
    "gains below 0": lambda rng, c: -1 - rng.random(c),
    "gains of 0 and 2": lambda rng, c: 2.0 * (np.arange(c) % 2),
    "gains of 3": lambda rng, c: np.full(c, 3.0),
}
EPS: dict[str, dict[str, float]] = {
    "": {}, "eps 0.1": {"eps": 0.1}, "eps 2": {"eps": 2.0}, "eps 1e-5 asked for": {"eps": 1e-5}, "eps 1e-8": {"eps": 1e-8},
}  # fmt: skip


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(*shape: int, by: float = 1.0, to: float = 0.0, **more: Any) -> dict[str, Any]:
        c = shape[-1]
        gain, offset = 1 + 0.5 * rng.standard_normal(c), rng.standard_normal(c)
        return {"x": to + by * rng.standard_normal(shape), "gamma": gain, "beta": offset} | more

    yield Given("two texts of three tokens", given(2, 3, 5))
    yield Given("one token alone", given(6))
    yield Given("four axes", given(2, 3, 2, 4))
    yield Given("T = C", given(4, 4))
    yield Given("batch, T and C alike", given(3, 3, 3))
    yield Given("width 2", given(5, 2))
    yield Given("width 1", given(3, 1))
    yield Given("numbers of size 1000", given(2, 5, by=1000.0))
    yield Given("numbers far from 0", given(2, 5, to=500.0))
    yield Given("tiny numbers, where eps counts", given(2, 5, by=1e-3))
    yield Given("a large eps", given(2, 5, eps=0.1))
    yield Given("eps = 0", given(2, 5, eps=0.0))
    yield Given(
        "a token of equal numbers",
        {
            "x": np.array([[2.0, 2.0, 2.0], [1.0, 0.0, -4.0]]),
            "gamma": np.array([1.0, 2.0, 3.0]),
            "beta": np.array([0.5, -1.0, 0.0]),
        },
    )
    yield Given(
        "gains of 1, offsets of 0", {"x": rng.standard_normal((2, 4)), "gamma": np.ones(4), "beta": np.zeros(4)}
    )
    yield Given("width 512", given(2, 512))
    yield Given("float32", {key: value.astype(np.float32) for key, value in given(2, 3, 8).items()})
    for about, (shape, tokens, gains, offsets, eps, dtype) in crossed(
        SHAPES,
        TOKENS,
        GAINS,
        {"": 1.0, "offsets of 0": 0.0, "large offsets": 100.0},
        EPS,
        {"": float, "float32": np.float32},
    ):
        x, gamma = tokens(rng.standard_normal(shape)), gains(rng, shape[-1])
        whole = {"x": x, "gamma": gamma, "beta": offsets * rng.standard_normal(shape[-1])}
        yield Given(about, {name: one.astype(dtype) for name, one in whole.items()} | eps)
