"""The short forms compute what the library computes, and are short."""

from __future__ import annotations

import ast
import inspect

import numpy as np
import pytest

import tfx.ops.basics.short_forms as short_forms
from tests.shape_comments import broken_promises
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.multi_head import Maps, multi_head_attention_backward, multi_head_attention_forward
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.short_forms import (
    short_attention,
    short_attention_gradients,
    short_cross_entropy,
    short_cross_entropy_gradient,
    short_layer_norm,
    short_layer_norm_gradients,
    short_multi_head,
    short_multi_head_gradients,
    short_softmax,
    short_softmax_gradient,
)
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward

B, H, T, S, D, DV, C, V = 2, 3, 5, 7, 4, 6, 9, 11
SIZES = {"B": B, "H": H, "T": T, "S": S, "D": D, "Dv": DV, "C": C, "V": V}
FUNCTIONS = [f for name, f in inspect.getmembers(short_forms, inspect.isfunction) if name.startswith("short_")]


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def equal(short, whole):
    np.testing.assert_allclose(short, whole, rtol=1e-12, atol=1e-13)


def test_softmax():
    x, dp = 3 * normal(B, T, S), normal(B, T, S, seed=1)
    p, cache = softmax_forward(x)
    equal(short_softmax(x), p)
    equal(short_softmax_gradient(dp, p), softmax_backward(dp, cache))


def test_layer_norm():
    x, dy, gamma, beta = 2 + 3 * normal(B, T, C), normal(B, T, C, seed=1), normal(C), normal(C, seed=2)
    y, cache = layer_norm_forward(x, gamma, beta)
    equal(short_layer_norm(x, gamma, beta), y)
    for short, whole in zip(short_layer_norm_gradients(dy, x, gamma), layer_norm_backward(dy, cache), strict=True):
        equal(short, whole)


def test_cross_entropy():
    logits, targets = 3 * normal(B, T, V), np.random.default_rng(3).integers(V, size=(B, T))
    loss, cache = cross_entropy_forward(logits, targets)
    equal(short_cross_entropy(logits, targets), loss)
    equal(short_cross_entropy_gradient(logits, targets), cross_entropy_backward(1.0, cache))


def test_attention_with_any_mask_that_leaves_every_query_a_key():
    q, k, v, do = normal(B, H, T, D), normal(B, H, S, D), normal(B, H, S, DV), normal(B, H, T, DV)
    mask = np.random.default_rng(4).random((T, S)) < 0.5
    mask[:, 2] = True
    o, cache = attention_forward(q, k, v, mask)
    equal(short_attention(q, k, v, mask), o)
    for short, whole in zip(short_attention_gradients(do, q, k, v, mask), attention_backward(do, cache), strict=True):
        equal(short, whole)


def test_multi_head_attention():
    x, dy, maps = normal(B, T, C), normal(B, T, C, seed=1), [normal(C, C, seed=seed) for seed in range(4)]
    y, cache = multi_head_attention_forward(x, x, Maps(*maps), n_heads=H, mask=causal_mask(T))
    equal(short_multi_head(x, *maps, H, causal_mask(T)), y)
    whole = multi_head_attention_backward(dy, cache)
    short = short_multi_head_gradients(dy, x, *maps, H, causal_mask(T))
    for ours, theirs in zip(short, (whole.dx_q + whole.dx_kv, *whole[2:6]), strict=True):
        equal(ours, theirs)


def test_there_are_ten_of_at_most_eight_lines_each():
    assert len(FUNCTIONS) == 10
    for function in FUNCTIONS:
        (tree,) = ast.parse(inspect.getsource(function)).body
        _docstring, *body = tree.body
        assert body[-1].end_lineno - body[0].lineno + 1 <= 8, function.__name__


Q, K, VALUES = normal(B, H, T, D), normal(B, H, S, D), normal(B, H, S, DV)
ALL, MAPS = np.ones((T, S), dtype=bool), [normal(C, C)] * 4

CALLS = {
    short_softmax: (normal(T, S),),
    short_softmax_gradient: (normal(T, S), normal(T, S)),
    short_layer_norm: (normal(B, T, C), normal(C), normal(C)),
    short_layer_norm_gradients: (normal(B, T, C), normal(B, T, C), normal(C)),
    short_cross_entropy: (normal(B, T, V), np.zeros((B, T), dtype=int)),
    short_cross_entropy_gradient: (normal(B, T, V), np.zeros((B, T), dtype=int)),
    short_attention: (Q, K, VALUES, ALL),
    short_attention_gradients: (normal(B, H, T, DV), Q, K, VALUES, ALL),
    short_multi_head: (normal(B, T, C), *MAPS, H, causal_mask(T)),
    short_multi_head_gradients: (normal(B, T, C), normal(B, T, C), *MAPS, H, causal_mask(T)),
}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_the_shape_behind_every_line_is_the_one_that_comes_about(function):
    sizes = SIZES | ({"D": C // H} if "multi_head" in function.__name__ else {})
    assert broken_promises(function, lambda: function(*CALLS[function]), sizes) == []
    code = [line for line in inspect.getsource(function).splitlines() if " @ " in line or "keepdims" in line]
    assert [line for line in code if "->" not in line] == []
