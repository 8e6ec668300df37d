"""The mistakes that people make when they write a backward of their own: each is called wrong, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tfx.gradcheck import check_gradients

RNG = np.random.default_rng(0)
X, W, B, SQUARE = (RNG.standard_normal(shape) for shape in ((3, 4), (4, 5), 5, (4, 4)))
Q, K, V = (RNG.standard_normal((2, 5, 3)) for _ in range(3))
SLOPE = 0.7978845608028654


def linear(x, w, b):
    return x @ w + b, (x, w)


def linear_back(dy, c):
    return dy @ c[1].T, c[0].T @ dy, dy.sum(0)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    y = e / e.sum(-1, keepdims=True)
    return y, y


def layer_norm(x, g):
    centred = x - x.mean(-1, keepdims=True)
    s = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred * s * g, (centred * s, s, g)


def layer_norm_back_of_a_constant_variance(dy, c):
    d = dy * c[2]
    return (d - d.mean(-1, keepdims=True)) * c[1], (dy * c[0]).sum(0)


def attention(q, k, v):
    p = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(3))[0]
    return p @ v, (q, k, v, p)


def attention_back_without_the_root(dy, c):
    q, k, v, p = c
    dp = dy @ v.swapaxes(-1, -2)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True))
    return ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy


def embedding_back_that_loses_repeated_ids(dy, c):
    grad = np.zeros(c[0])
    grad[c[1]] += dy
    return grad


def residual_back_without_the_skip(dy, c):
    through = dy * (1 - c[2] ** 2)
    return through @ c[1].T, c[0].T @ through


def gelu(x):
    return 0.5 * x * (1 + np.tanh(SLOPE * (x + 0.044715 * x**3))), x


def gelu_back_with_a_wrong_factor(dy, x):
    t = np.tanh(SLOPE * (x + 0.044715 * x**3))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * SLOPE * (1 + 0.044715 * x**2))


def with_another_mask(seed):
    return (np.random.default_rng(seed).random(X.shape) > 0.5) * 2


def norm_back_without_eps(dy, x):
    r = 1 / np.sqrt((x * x).mean(-1, keepdims=True))
    return r * (dy - x * r * r * (dy * x).mean(-1, keepdims=True))


def doubles_dy_at_the_end(dy, c):
    grads = linear_back(dy, c)
    dy *= 2
    return grads


def into_a_buffer_that_is_not_cleared() -> Callable[..., Any]:
    store = np.zeros(X.shape)

    def back(dy, c):
        nonlocal store
        store += dy @ c[1].T
        return store, c[0].T @ dy, dy.sum(0)

    return back


LINEAR = {"x": X, "w": W, "b": B}
#: mistake -> forward, backward, inputs, and the input that is named
WRONG: dict[str, tuple[Callable[..., Any], Callable[..., Any], dict[str, Any], str]] = {
    "the gradient of a bias is not summed over the batch": (
        linear, lambda dy, c: (dy @ c[1].T, c[0].T @ dy, dy), LINEAR, "b",
    ),
    "a square weight is not transposed": (
        lambda x, w: (x @ w, (x, w)), lambda dy, c: (dy @ c[1], c[0].T @ dy), {"x": X, "w": SQUARE}, "x",
    ),
    "softmax without what is off its diagonal": (softmax, lambda dy, y: dy * y * (1 - y), {"z": X}, "z"),
    "a mean without 1/n": (lambda x: ((x**2).mean(), x), lambda dy, x: 2 * x * dy, {"x": X}, "x"),
    "the variance taken for a constant": (
        layer_norm, layer_norm_back_of_a_constant_variance, {"x": X, "g": B[:4]}, "x",
    ),
    "a repeated id counts once": (
        lambda table, ids: (table[ids], (table.shape, ids)), embedding_back_that_loses_repeated_ids,
        {"table": RNG.standard_normal((6, 3)), "ids": np.array([1, 2, 1, 5])}, "table",
    ),
    "attention without 1/sqrt(D) backward": (attention, attention_back_without_the_root, {"q": Q, "k": K, "v": V}, ""),
    "the skip path is forgotten": (
        lambda x, w: (x + np.tanh(x @ w), (x, w, np.tanh(x @ w))), residual_back_without_the_skip,
        {"x": X, "w": SQUARE}, "x",
    ),
    "a factor of the derivative is forgotten": (gelu, gelu_back_with_a_wrong_factor, {"x": X}, "x"),
    "backward changes dy": (linear, doubles_dy_at_the_end, LINEAR, ""),
    "float32 inside backward": (
        linear, lambda dy, c: tuple(g.astype("float32").astype("float64") for g in linear_back(dy, c)), LINEAR, "",
    ),
    "gradients of one shape in the wrong order": (
        lambda a, b: (a * b * b, (a, b)), lambda dy, c: (dy * 2 * c[0] * c[1], dy * c[1] ** 2),
        {"a": X, "b": W[:3, :4]}, "",
    ),
    "dropout drawn again": (
        lambda x: (x * with_another_mask(1), x), lambda dy, x: dy * with_another_mask(2), {"x": X}, "x",
    ),
    "an eps forgotten": (
        lambda x: (x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5), x), norm_back_without_eps, {"x": X}, "x",
    ),
    "an axis kept": (linear, lambda dy, c: (*linear_back(dy, c)[:2], dy.sum(0, keepdims=True)), LINEAR, "b"),
    "a buffer that is not cleared": (linear, into_a_buffer_that_is_not_cleared(), LINEAR, "x"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_called_wrong_and_its_input_named(name):
    forward, backward, inputs, named = WRONG[name]
    report = check_gradients(forward, backward, inputs)
    assert report.verdict == "differ" and report.summary().startswith("gradients differ; worst is ")
    assert named in ("", report.worst_input.name), report.summary()


def test_no_gradient_for_an_input_is_told():
    with pytest.raises(ValueError, match="backward gave 2 gradients for 3 inputs: x, w, b"):
        check_gradients(linear, lambda dy, c: (dy @ c[1].T, None, dy.sum(0)), LINEAR)


def test_the_same_code_without_mistakes_is_right():
    assert check_gradients(linear, linear_back, LINEAR).verdict == "agree"
    assert check_gradients(
        softmax, lambda dy, y: y * (dy - (dy * y).sum(-1, keepdims=True)), {"z": X}
    ).verdict == "agree"  # fmt: skip
    assert check_gradients(
        lambda x: (x * with_another_mask(1), x), lambda dy, x: dy * with_another_mask(1), {"x": X}
    ).verdict == "agree"  # fmt: skip


@pytest.mark.parametrize("value", [1e-3, 1.0])
@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (lambda x: (np.sqrt(x), x), lambda dy, x: dy / 2 / np.sqrt(x)),
        (lambda x: (np.log(x), x), lambda dy, x: dy / x),
    ],
)
def test_a_step_that_leaves_the_domain_accuses_nobody(forward, backward, value):
    with np.errstate(invalid="ignore"):
        assert check_gradients(forward, backward, {"x": np.array([value, 2.0])}).verdict == "agree"
