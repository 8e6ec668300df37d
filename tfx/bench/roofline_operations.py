"""What the benchmark `roofline` places under the roof: operations of a GPT's training step, with FLOPs and traffic.

FLOPs.  A multiply-add is two.  Every other sum, product, quotient, comparison, exp, root or logarithm is one, counted
from the formula and not from the code: a constant that is multiplied in counts where the formula has it.
Traffic.  Every input is read once and every result written once, and nothing in between: what no order of the work
could avoid.  Caches that forward keeps, temporaries and a second look at an input come on top; they are part of the
distance to the roof.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tfx.bench.training_step import new_gpt
from tfx.models import GPT
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.embedding import embedding_backward, embedding_forward
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.feed_forward.activations import gelu_tanh_backward, gelu_tanh_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.optim import AdamW
from tfx.params import FlatParameters

#: FLOPs for each parameter: m 3, v 4, their corrections 2, root, + eps, quotient, * rate, two differences, decay 2.
ADAMW_FLOPS = 15
#: Parameter, gradient, m and v are read; parameter, m and v are written.
ADAMW_TRAFFIC = 7


class Sizes(NamedTuple):
    """Of the GPT and of what it reads."""

    d_model: int
    heads: int
    layers: int
    vocab: int
    length: int
    batch: int


class Operation(NamedTuple):
    """call: does it once.  numbers: read or written once each."""

    name: str
    call: Callable[[], Any]
    flops: int
    numbers: int


def operations(sizes: Sizes, draw: Callable[..., Any], ids: Any) -> list[Operation]:
    """draw(*shape): random numbers.  ids: (B, T).  The operations as one block of the model meets them."""
    b, t, c, h, v = sizes.batch, sizes.length, sizes.d_model, sizes.heads, sizes.vocab
    n, f, d = b * t, 4 * c, c // h
    rows, wide, narrow = draw(n, c), draw(n, f), draw(n, c)
    w, bias = draw(c, f), draw(f)
    _, linear = linear_forward(rows, w, bias)
    q, key, value, dout = (draw(b, h, t, d) for _ in range(4))
    _, attention = attention_forward(q, key, value)
    scores, dweights = draw(b, h, t, t), draw(b, h, t, t)
    _, softmax = softmax_forward(scores)
    _, gelu = gelu_tanh_forward(wide)
    hidden_gradient = draw(n, f)
    gamma, beta = draw(c), draw(c)
    _, norm = layer_norm_forward(rows, gamma, beta)
    logits, targets = draw(n, v), ids.reshape(-1)
    _, loss = cross_entropy_forward(logits, targets)
    _, lookup = embedding_forward(targets, draw(v, c))
    one_head, weights = b * h * t * d, b * h * t * t  # numbers in q, k, v or out; numbers in P
    return [
        Operation(
            "linear forward",  # y = x W + b
            lambda: linear_forward(rows, w, bias),
            2 * n * c * f + n * f,
            n * c + c * f + f + n * f,
        ),
        Operation(
            "linear backward",  # dx = dy W^T, dW = x^T dy, db = column sums
            lambda: linear_backward(hidden_gradient, linear),
            4 * n * c * f + n * f,
            2 * (n * c + c * f) + f + n * f,
        ),
        Operation(
            "attention forward",  # scale, Q K^T, softmax, P V
            lambda: attention_forward(q, key, value),
            4 * weights * d + 5 * weights + one_head,
            4 * one_head,
        ),
        Operation(
            "attention backward",  # dV, dP, softmax backward, dQ, dK, scale
            lambda: attention_backward(dout, attention),
            8 * weights * d + 4 * weights + 2 * one_head,
            7 * one_head,
        ),
        Operation(
            "softmax forward",  # maximum, difference, exp, sum, quotient
            lambda: softmax_forward(scores),
            5 * weights,
            2 * weights,
        ),
        Operation(
            "softmax backward",  # y (dy - sum dy y)
            lambda: softmax_backward(dweights, softmax),
            4 * weights,
            3 * weights,
        ),
        Operation(
            "gelu_tanh forward",  # x / (1 + exp(-2u)), u = scale (x + cubic x^3)
            lambda: gelu_tanh_forward(wide),
            8 * n * f,
            2 * n * f,
        ),
        Operation(
            "gelu_tanh backward",  # dy (s + x s (1 - s) 2u')
            lambda: gelu_tanh_backward(hidden_gradient, gelu),
            9 * n * f,
            3 * n * f,
        ),
        Operation(
            "layer_norm forward",  # two means, difference, square, scale, gain, offset
            lambda: layer_norm_forward(rows, gamma, beta),
            7 * n * c,
            2 * n * c + 2 * c,
        ),
        Operation(
            "layer_norm backward",  # g, two means, three terms, scale, dgamma 2, dbeta 1
            lambda: layer_norm_backward(narrow, norm),
            11 * n * c,
            3 * n * c + 3 * c,
        ),
        Operation(
            "cross_entropy forward",  # maximum, difference, exp, sum; the logarithm once a row
            lambda: cross_entropy_forward(logits, targets),
            4 * n * v + 2 * n,
            n * v + n,
        ),
        Operation(
            "cross_entropy backward",  # p / n, less the target; p from exp(x) and its sum
            lambda: cross_entropy_backward(1.0, loss),
            2 * n * v + n,
            2 * n * v + n,
        ),
        Operation(
            "embedding gradient",  # each row of dy is added to a row of the table
            lambda: embedding_backward(narrow, lookup),
            n * c,
            n * c + n + v * c,
        ),
        adamw(sizes, draw),
    ]


def adamw(sizes: Sizes, draw: Callable[..., Any]) -> Operation:
    """One step on as many parameters as the model has."""
    n = parameter_count(sizes)
    value, grad = draw(n), draw(n)
    optimizer = AdamW(FlatParameters(value, grad, ("w",), (slice(0, n),), ((n,),)))
    return Operation("AdamW step", lambda: optimizer.step(1e-3), ADAMW_FLOPS * n, ADAMW_TRAFFIC * n)


# The whole training step


def new_model(sizes: Sizes, seed: int) -> GPT:
    return new_gpt(sizes.vocab, sizes.d_model, sizes.heads, sizes.layers, sizes.length, seed)


def parameter_count(sizes: Sizes) -> int:
    return new_model(sizes, 0).n_parameters


def step_flops(sizes: Sizes, causal: bool = True) -> int:
    """Of the matrix products alone: 2 forward and 4 backward for each weight and token, and those of the attention.

    causal: only the products for pairs that may see each other, T (T + 1) / 2 of T^2.  The look-up multiplies nothing;
    the logits multiply the same table.
    """
    b, t, c = sizes.batch, sizes.length, sizes.d_model
    weights = sizes.layers * 12 * c * c + sizes.vocab * c
    pairs = t * (t + 1) // 2 if causal else t * t
    return 6 * weights * b * t + 12 * sizes.layers * b * pairs * c


def step_numbers(sizes: Sizes) -> int:
    """AdamW's traffic, with the parameters read by forward and the gradients written by backward; and the ids."""
    return (ADAMW_TRAFFIC + 2) * parameter_count(sizes) + sizes.batch * (sizes.length + 1)
