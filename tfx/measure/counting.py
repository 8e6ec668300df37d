"""Counts floating-point operations and bytes of one attention layer, step by step, in the order of the code.

One multiply-add is two FLOPs (a product and a sum), as in vendors' numbers; many papers count it as one.  exp, max and
division count one each.  Bytes are what a step must read and write once, if nothing stays in cache between steps.
The steps are those of `linear_forward` and `attention_forward`; n queries attend to n keys.
Source: Vaswani et al. 2017, section 4, table 1 (orders only; here with constants).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """One step: FLOPs inside matrix products, other FLOPs, and numbers read and written."""

    step: str
    matmul_flops: int
    other_flops: int
    read: int
    written: int

    @property
    def flops(self) -> int:
        return self.matmul_flops + self.other_flops

    def bytes(self, itemsize: int) -> int:
        return (self.read + self.written) * itemsize


def matmul(step: str, batch: int, rows: int, inner: int, columns: int) -> Cost:
    """(batch, rows, inner) x (batch, inner, columns): every output number is a sum of `inner` products."""
    out = batch * rows * columns
    return Cost(step, 2 * out * inner, 0, batch * inner * (rows + columns), out)


def elementwise(step: str, numbers: int, flops_each: int = 1, inputs: int = 1) -> Cost:
    """A map of `numbers` numbers, read from `inputs` arrays of that size."""
    return Cost(step, 0, numbers * flops_each, numbers * inputs, numbers)


def reduction(step: str, rows: int, width: int) -> Cost:
    """Sum or maximum of each row: width - 1 operations."""
    return Cost(step, 0, rows * (width - 1), rows * width, rows)


def projections(n: int, d_model: int) -> tuple[Cost, ...]:
    """Q, K, V and output: four (n, d_model) x (d_model, d_model) products, without biases."""
    return tuple(matmul(f"x W_{name}", 1, n, d_model, d_model) for name in "QKVO")


def scores(n: int, d_model: int, n_heads: int) -> tuple[Cost, ...]:
    """(Q * scale) K^T, in every head: n d numbers are scaled and not n^2."""
    return (
        elementwise("* scale", n * d_model),
        matmul("Q K^T", n_heads, n, d_model // n_heads, n),
    )


def softmax(n: int, n_heads: int) -> tuple[Cost, ...]:
    """Row maximum, difference, exp, row sum, quotient: what `softmax_forward` does to n_heads * n rows of n."""
    rows, numbers = n_heads * n, n_heads * n * n
    return (
        reduction("row max", rows, n),
        elementwise("- max", numbers),
        elementwise("exp", numbers),
        reduction("row sum", rows, n),
        elementwise("/ sum", numbers),
    )


def weighted_sum(n: int, d_model: int, n_heads: int) -> tuple[Cost, ...]:
    """P V, in every head."""
    return (matmul("P V", n_heads, n, n, d_model // n_heads),)


def attention_core(n: int, d_model: int, n_heads: int) -> tuple[Cost, ...]:
    """Everything between the projections: all of `attention_forward` without a mask."""
    return (*scores(n, d_model, n_heads), *softmax(n, n_heads), *weighted_sum(n, d_model, n_heads))


def recurrence(n: int, d_model: int) -> tuple[Cost, ...]:
    """The two products of a simple recurrent layer, without bias and tanh; the second one waits n times for itself."""
    return matmul("x W_x", 1, n, d_model, d_model), matmul("h W_h", n, 1, d_model, d_model)


def feed_forward(n: int, d_model: int, d_ff: int) -> tuple[Cost, ...]:
    """The two products of the feed-forward layer, without bias and activation."""
    return matmul("x W_1", 1, n, d_model, d_ff), matmul("h W_2", 1, n, d_ff, d_model)


def decoding_step(n: int, d_model: int, n_heads: int, d_ff: int, n_layers: int, vocab: int) -> tuple[Cost, ...]:
    """The products of one token that attends to n stored ones, itself among them, through a whole decoder.

    Keys and values of n tokens are read once, and so is every weight; only the attention knows n.
    """
    attention = (
        matmul("Q K^T", n_heads, 1, d_model // n_heads, n),
        matmul("P V", n_heads, 1, n, d_model // n_heads),
    )
    block = (*projections(1, d_model), *attention, *feed_forward(1, d_model, d_ff))
    return (*(cost for _ in range(n_layers) for cost in block), matmul("h E^T", 1, 1, d_model, vocab))


def total_flops(costs: Iterable[Cost]) -> int:
    return sum(cost.flops for cost in costs)


def total_matmul_flops(costs: Iterable[Cost]) -> int:
    return sum(cost.matmul_flops for cost in costs)


def total_bytes(costs: Iterable[Cost], itemsize: int) -> int:
    return sum(cost.bytes(itemsize) for cost in costs)


def first_n_where(at_least: Callable[[int], int], other: Callable[[int], int], limit: int = 1 << 40) -> int:
    """The smallest n >= 1 with at_least(n) >= other(n), for a quotient that grows.  Raises ValueError past limit."""
    high = 1
    while at_least(high) < other(high):
        high *= 2
        if high > limit:
            raise ValueError(f"no crossing below n = {limit}")
    low = high // 2  # below the crossing, or 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at_least(middle) >= other(middle) else (middle, high)
    return high


def attention_overtakes(d_model: int, n_heads: int, d_ff: int = 0) -> int:
    """The n from which the products of attention are no fewer than those of its projections, and than those of a
    feed-forward layer of that width with them."""
    return first_n_where(
        lambda n: total_matmul_flops(attention_core(n, d_model, n_heads)),
        lambda n: total_matmul_flops((*projections(n, d_model), *feed_forward(n, d_model, d_ff))),
    )
