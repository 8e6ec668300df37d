"""RMSNorm, forward."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.block.layernorm.exercises.layer_norm import EPS, GAINS, SHAPES, TOKENS
from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import by_hand, number
from tfx.ops.norms.rms_norm import rms_norm_forward

exercise = Exercise(
    "rms-norm",
    "RMSNorm",
    step="idea",
    level=1,
    rules=[
        "x is (..., C), gamma is (C,); each token is scaled by itself, over its C numbers.",
        "Nothing is centred, and there is no offset.",
        "The mean square divides by C. eps is added to the mean square, under the root; it is 1e-5 unless told.",
        "A token of zeros stays zeros, for eps above 0.",
        "The result has the shape of x, and x and gamma stay as they are.",
    ],
    hints=[
        "Of LayerNorm's two numbers for a token one is left. Which?",
        "What comes first: the square, the mean, eps or the root? Read the name from its end.",
        "Over which axis does the mean run? keepdims=True keeps the shapes fitting.",
    ],
    learned="a token over the root of its mean square, eps under the root, then the gain: no mean, no offset.",
    results=["y: (..., C)"],
)


@exercise.stub
def rms_norm(x, gamma, eps=1e-5):
    """Every token gets a mean square of 1, then a learned gain.

    x: (..., C), gamma: (C,) -> (..., C)
    """
    ...


@exercise.solution
def solution(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    mean_square = (x**2).mean(axis=-1, keepdims=True)  # (..., C) -> (..., 1)
    return gamma * x / np.sqrt(mean_square + eps)


@exercise.truth
def truth(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    return rms_norm_forward(x, gamma, eps)[0]


@exercise.equal
def by_the_length(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The root mean square is the length over sqrt(C), so eps counts C times."""
    c = x.shape[-1]
    length = np.sqrt(np.einsum("...c,...c->...", x, x) + c * eps)
    return np.einsum("...c,c,...->...c", x, gamma, c**0.5 / length)


@exercise.equal
def plain_floats(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """Token by token, as lists."""
    rows = []
    for token in x.reshape(-1, x.shape[-1]).tolist():
        root = math.sqrt(math.fsum(one * one for one in token) / len(token) + eps)
        rows.append([one / root * gain for one, gain in zip(token, gamma.tolist(), strict=True)])
    return np.array(rows).reshape(x.shape)


@exercise.steps
def steps(x: Any, gamma: Any, eps: float = 1e-5) -> dict[str, Any]:
    square = (x**2).mean(axis=-1, keepdims=True)
    root = np.sqrt(square + eps)
    return {
        "mean_square: of each token": [square, square[..., 0], square + eps, square[..., 0] + eps],
        "root: by what is divided": [root, root[..., 0]],
        "n: x, normalised": x / root,
        "y: (..., C)": gamma * x / root,
    }


@exercise.cell
def mean_square(at: tuple[int, ...], x: Any, gamma: Any, eps: float = 1e-5) -> str:
    row = x[at[: x.ndim - 1]]
    return by_hand(*zip(row, row, strict=True), then=(f" / {len(row)}", 1 / len(row)))


@exercise.cell
def root(at: tuple[int, ...], x: Any, gamma: Any, eps: float = 1e-5) -> str:
    square = (x[at[: x.ndim - 1]] ** 2).mean()
    return f"sqrt({number(square)} + {eps:g}) = {number(np.sqrt(square + eps))}"


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(*shape: int, by: float = 1.0, to: float = 0.0, **more: Any) -> dict[str, Any]:
        gain = 1 + 0.5 * rng.standard_normal(shape[-1])
        return {"x": to + by * rng.standard_normal(shape), "gamma": gain} | more

    yield Given("two texts of three tokens", given(2, 3, 5))
    yield Given("one token alone", given(6))
    yield Given("four axes", given(2, 3, 2, 4))
    yield Given("T = C", given(4, 4))
    yield Given("batch, T and C alike", given(3, 3, 3))
    yield Given("width 2", given(5, 2))
    yield Given("width 1", given(3, 1))
    yield Given("one token of a batch", given(1, 1, 5))
    yield Given("numbers of size 1000", given(2, 5, by=1000.0))
    yield Given("numbers far from 0", given(2, 5, to=500.0))
    yield Given("numbers below 0", given(2, 3, to=-4.0))
    yield Given("tiny numbers, where eps counts", given(2, 5, by=1e-3))
    yield Given("a large eps", given(2, 5, eps=0.1))
    yield Given("eps = 0", given(2, 5, eps=0.0))
    yield Given(
        "a token of zeros", {"x": np.array([[0.0, 0.0, 0.0], [1.0, 0.0, -4.0]]), "gamma": np.array([1.0, -2, 3])}
    )
    yield Given("a token of equal numbers", {"x": np.full((2, 3), 2.0), "gamma": np.array([0.5, 1.0, 2.0])})
    yield Given("gains of 1", {"x": rng.standard_normal((2, 4)), "gamma": np.ones(4)})
    yield Given("width 512", given(2, 512))
    yield Given("float32", {key: value.astype(np.float32) for key, value in given(2, 3, 8).items()})
    for about, (shape, tokens, gains, eps, dtype) in crossed(
        SHAPES, TOKENS, GAINS, EPS, {"": float, "float32": np.float32}
    ):
        x, gamma = tokens(rng.standard_normal(shape)), gains(rng, shape[-1])
        yield Given(about, {"x": x.astype(dtype), "gamma": gamma.astype(dtype)} | eps)
