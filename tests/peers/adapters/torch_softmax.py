"""Softmax, its logarithm and its denominator; the linear map and the product of matrices.

A single number has no axis: it is handed over as a vector of length one.
"""

from __future__ import annotations

from typing import Any

from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.basics.log_softmax import log_softmax_backward, log_softmax_forward
from tfx.ops.basics.logsumexp import logsumexp_backward, logsumexp_forward
from tfx.ops.basics.matmul import matmul_backward, matmul_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward


def _along_axis(forward: Any, backward: Any, x: Any, axis: int, dy: Any) -> dict[str, Any]:
    y, cache = forward(x.reshape(x.shape or (1,)), axis=axis)
    return {"out": [y.reshape(x.shape)], "grad_in": [backward(dy.reshape(y.shape), cache).reshape(x.shape)]}


def softmax(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    axis = args[1] if len(args) > 1 else kwargs["dim"]
    return _along_axis(softmax_forward, softmax_backward, args[0], axis, cot[0])


def log_softmax(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    axis = args[1] if len(args) > 1 else kwargs["dim"]
    return _along_axis(log_softmax_forward, log_softmax_backward, args[0], axis, cot[0])


def softmax_module(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    return softmax(args[:1], {"dim": _module_axis(config)}, params, config, cot)


def log_softmax_module(
    args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]
) -> dict[str, Any]:
    return log_softmax(args[:1], {"dim": _module_axis(config)}, params, config, cot)


def _module_axis(config: dict[str, Any]) -> int:
    return config["args"][0] if config["args"] else config["kwargs"]["dim"]


def logsumexp(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    x, dims, keepdim = [*args, *(kwargs[name] for name in ("dim", "keepdim") if name in kwargs), False][:3]
    axis = tuple(dims) if isinstance(dims, list | tuple) else dims
    y, cache = logsumexp_forward(x.reshape(x.shape or (1,)), axis=axis, keepdims=keepdim)
    shape = y.shape if x.shape else ()
    return {"out": [y.reshape(shape)], "grad_in": [logsumexp_backward(cot[0].reshape(y.shape), cache).reshape(x.shape)]}


def _linear(x: Any, weight: Any, bias: Any, dy: Any) -> tuple[Any, Any, Any, Any]:
    """PyTorch keeps a weight as (out, in), and (in,) where there is one output without an axis."""
    w = weight.reshape(-1, weight.shape[-1]).T
    y, cache = linear_forward(x, w, None if bias is None else bias.reshape(-1))
    dx, dw, db = linear_backward(dy.reshape(y.shape), cache)
    return y.reshape(dy.shape), dx, dw.T.reshape(weight.shape), None if db is None else db.reshape(bias.shape)


def linear(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    given = {"bias": None} | dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
    y, *grads = _linear(given["input"], given["weight"], given["bias"], cot[0])
    return {"out": [y], "grad_in": [grad for grad in grads if grad is not None]}


def linear_module(
    args: list[Any], kwargs: dict[str, Any], params: dict[str, Any], config: Any, cot: list[Any]
) -> dict[str, Any]:
    x = kwargs["input"] if "input" in kwargs else args[0]
    y, dx, dw, db = _linear(x, params["weight"], params.get("bias"), cot[0])
    return {"out": [y], "grad_in": [dx], "grad_params": {"weight": dw, "bias": db}}


def matmul(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    y, cache = matmul_forward(*args)
    return {"out": [y], "grad_in": list(matmul_backward(cot[0], cache))}


OPS = {
    ("op", "softmax"): softmax,
    ("op", "nn.functional.softmax"): softmax,
    ("op", "log_softmax"): log_softmax,
    ("op", "nn.functional.log_softmax"): log_softmax,
    ("op", "logsumexp"): logsumexp,
    ("op", "nn.functional.linear"): linear,
    ("op", "matmul"): matmul,
    ("op", "bmm"): matmul,
    ("op", "mm"): matmul,
    ("op", "mv"): matmul,
    ("module", "Softmax"): softmax_module,
    ("module", "LogSoftmax"): log_softmax_module,
    ("module", "Linear"): linear_module,
}
