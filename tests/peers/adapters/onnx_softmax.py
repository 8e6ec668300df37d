"""Softmax, its logarithm and its denominator; the product of matrices."""

from __future__ import annotations

import math
from typing import Any

from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.ops.basics.logsumexp import logsumexp_forward
from tfx.ops.basics.matmul import gemm_forward, matmul_forward
from tfx.ops.basics.softmax import softmax_forward


def _along_axis(forward: Any, x: Any, attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    """Before version 13 all axes from `axis` on were one: they are folded, and unfolded again."""
    if ctx["opset"] >= 13:
        return forward(x, axis=attrs.get("axis", -1))[0]
    axis = attrs.get("axis", 1) % max(x.ndim, 1)
    return forward(x.reshape(math.prod(x.shape[:axis]), -1))[0].reshape(x.shape)


def softmax(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return _along_axis(softmax_forward, inputs[0], attrs, ctx)


def log_softmax(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return _along_axis(log_softmax_forward, inputs[0], attrs, ctx)


def reduce_log_sum_exp(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    """The axes were an attribute before version 18; none given means all of them, or none at all if it says so."""
    axes = attrs.get("axes", ()) if len(inputs) < 2 or inputs[1] is None else inputs[1]
    axis: tuple[int, ...] | None = tuple(int(a) for a in axes)
    if not axis and not attrs.get("noop_with_empty_axes", 0):
        axis = None
    return logsumexp_forward(inputs[0], axis=axis, keepdims=bool(attrs.get("keepdims", 1)))[0]


def gemm(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    a, b, c = [*inputs, None][:3]
    a = a.T if attrs.get("transA", 0) else a
    b = b.T if attrs.get("transB", 0) else b
    return gemm_forward(a, b, c, attrs.get("alpha", 1.0), attrs.get("beta", 1.0))[0]


def matmul(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return matmul_forward(*inputs)[0]


OPS = {
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "ReduceLogSumExp": reduce_log_sum_exp,
    "Gemm": gemm,
    "MatMul": matmul,
}
