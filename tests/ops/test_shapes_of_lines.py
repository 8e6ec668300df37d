"""The flagship operations carry the shape of every line in a comment, and every one of these is true."""

from __future__ import annotations

import inspect
import math
from types import SimpleNamespace

import numpy as np
import pytest

from tests.shape_comments import broken_promises, promises
from tfx.ops.attention.attend import attend_backward_steps, attend_forward
from tfx.ops.attention.grouped_attention import grouped_attention_backward, grouped_attention_forward
from tfx.ops.attention.key_value import KeyValue
from tfx.ops.attention.multi_head import (
    Acting,
    Maps,
    Rotation,
    multi_head_attention_backward,
    multi_head_attention_forward,
)
from tfx.ops.attention.scaled_dot_product import (
    attention_backward,
    attention_backward_steps,
    attention_forward,
    attention_scores,
)
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward
from tfx.ops.positions.rotary import rotary_tables

SIZES = {"B": 2, "T": 5, "S": 7, "M": 3, "H": 6, "G": 2, "R": 3, "D": 4, "Dv": 9, "C": 11, "V": 13, "I": 11, "J": 8}
SIZES |= {"N": SIZES["B"] * SIZES["T"]}
n = SimpleNamespace(**SIZES)


def normal(*shape):
    return np.random.default_rng(shape).standard_normal(shape)


def linear():
    _, cache = linear_forward(normal(n.B, n.T, n.I), normal(n.I, n.J), normal(n.J))
    linear_backward(normal(n.B, n.T, n.J), cache)


def layer_norm():
    _, cache = layer_norm_forward(normal(n.B, n.T, n.C), normal(n.C), normal(n.C))
    layer_norm_backward(normal(n.B, n.T, n.C), cache)


def rms_norm():
    _, cache = rms_norm_forward(normal(n.B, n.T, n.C), normal(n.C))
    rms_norm_backward(normal(n.B, n.T, n.C), cache)


def cross_entropy():
    targets, keep = np.ones((n.B, n.T), dtype=int), np.arange(n.T) < [[3], [5]]
    _, cache = cross_entropy_forward(normal(n.B, n.T, n.V), targets, 0.1, keep, abs(normal(n.V)))
    cross_entropy_backward(1.0, cache)


def attend():
    scores, v, dout = normal(n.B, n.T, n.S), normal(n.B, n.S, n.Dv), normal(n.B, n.T, n.Dv)
    dropout, mask = normal(n.B, n.T, n.S), np.ones((n.B, n.T, n.S), dtype=bool)
    _, cache = attend_forward(scores, v, mask, dropout)
    attend_backward_steps(dout, cache, normal(n.B, n.T, n.S))
    scores[..., 0, :] = math.nan  # a query of filling, which nobody reads
    dout[..., 0, :] = 0
    _, cache = attend_forward(scores, v)
    attend_backward_steps(dout, cache)


def attention():
    q, k, v = normal(n.B, n.T, n.D), normal(n.B, n.S, n.D), normal(n.B, n.S, n.Dv)
    _, cache = attention_forward(q, k, v, bias=normal(n.B, n.T, n.S), soft_cap=3.0)
    attention_backward(normal(n.B, n.T, n.Dv), cache)


def grouped_attention():
    q, k, v = normal(n.B, n.H, n.T, n.D), normal(n.B, n.G, n.S, n.D), normal(n.B, n.G, n.S, n.Dv)
    _, cache = grouped_attention_forward(q, k, v, bias=normal(n.B, n.H, n.T, n.S))
    grouped_attention_backward(normal(n.B, n.H, n.T, n.Dv), cache, normal(n.B, n.H, n.T, n.S))


class ExactKernel:
    """Exact attention behind the call of a kernel."""

    def forward(self, q, k, v, mask=None, scale=None):
        return attention_forward(q, k, v, mask, scale)

    def backward(self, dout, cache):
        return attention_backward(dout, cache)


def multi_head(kernel=None):
    """Everything turned by the angles of one place, so that T and S may differ."""
    maps = normal(n.C, n.H * n.D), normal(n.C, n.G * n.D), normal(n.C, n.G * n.Dv), normal(n.H * n.Dv, n.C)
    offsets = tuple(normal(w.shape[1]) for w in maps)
    past = KeyValue(normal(n.B, n.G, n.M, n.D), normal(n.B, n.G, n.M, n.Dv))
    x_q, x_kv = normal(n.B, n.T, n.C), normal(n.B, n.S, n.C)
    rotation = Rotation(*rotary_tables(np.arange(1), n.D), "pairs")
    settings = {"n_heads": n.H, "n_kv_heads": n.G, "rotation": rotation, "past": past}
    _, cache = multi_head_attention_forward(x_q, x_kv, Maps(*maps, *offsets), acting=Acting(kernel=kernel), **settings)
    multi_head_attention_backward(normal(n.B, n.T, n.C), cache)


def multi_head_in_every_way():
    multi_head()
    multi_head(ExactKernel())


CALLS = {
    linear_forward: linear,
    linear_backward: linear,
    layer_norm_forward: layer_norm,
    layer_norm_backward: layer_norm,
    rms_norm_forward: rms_norm,
    rms_norm_backward: rms_norm,
    cross_entropy_forward: cross_entropy,
    cross_entropy_backward: cross_entropy,
    attend_forward: attend,
    attend_backward_steps: attend,
    attention_forward: attention,
    attention_scores: attention,
    attention_backward_steps: attention,
    grouped_attention_forward: grouped_attention,
    grouped_attention_backward: grouped_attention,
    multi_head_attention_forward: multi_head_in_every_way,
    multi_head_attention_backward: multi_head_in_every_way,
}


@pytest.mark.parametrize("function", CALLS, ids=lambda function: function.__name__)
def test_the_shape_behind_every_line_is_the_one_that_comes_about(function):
    assert broken_promises(function, CALLS[function], SIZES) == []
    assert promises(function)


@pytest.mark.parametrize("function", CALLS, ids=lambda function: function.__name__)
def test_every_line_that_multiplies_says_what_comes_out(function):
    computed = [line for line in inspect.getsource(function).splitlines() if " @ " in line.split("#")[0]]
    assert [line for line in computed if "->" not in line] == []
