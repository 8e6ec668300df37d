"""Normalisation.  PyTorch normalises the trailing axes of a given shape together: here they are folded into one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.ops.norms.group_norm import group_norm_backward, group_norm_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward

LAYER_NORM = {"normalized_shape": None, "weight": None, "bias": None, "eps": 1e-5}
RMS_NORM = {"normalized_shape": None, "weight": None, "eps": None}
GROUP_NORM = {"num_groups": None, "weight": None, "bias": None, "eps": 1e-5}
LAYER_NORM_MODULE = {"normalized_shape": None, "eps": 1e-5, "elementwise_affine": True, "bias": True}
RMS_NORM_MODULE = {"normalized_shape": None, "eps": None, "elementwise_affine": True}
GROUP_NORM_MODULE = {"num_groups": None, "num_channels": None, "eps": 1e-5, "affine": True}


def _given(defaults: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    return defaults | dict(zip(defaults, args, strict=False)) | kwargs


def _split(args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, list[Any], dict[str, Any]]:
    """The input, which may be given by name, and the rest."""
    rest = dict(kwargs)
    return (rest.pop("input"), list(args), rest) if "input" in rest else (args[0], list(args[1:]), rest)


def _fold(array: Any, shape: tuple[int, ...]) -> Any:
    return None if array is None else array.reshape(shape)


def _width(given: dict[str, Any]) -> int:
    shape = given["normalized_shape"]
    return math.prod(shape) if isinstance(shape, list | tuple) else shape


def _layer_norm(x: Any, weight: Any, bias: Any, given: dict[str, Any], dy: Any) -> tuple[Any, Any, Any, Any]:
    width = _width(given)
    with np.errstate(invalid="ignore"):  # a negative eps below the variance is NaN on both sides
        y, cache = layer_norm_forward(
            x.reshape(x.size // width, width), _fold(weight, (width,)), _fold(bias, (width,)), given["eps"]
        )
    dx, dgamma, dbeta = layer_norm_backward(dy.reshape(y.shape), cache)
    shape = np.shape(weight)
    return y.reshape(x.shape), dx.reshape(x.shape), _fold(dgamma, shape), _fold(dbeta, shape)


def _rms_norm(x: Any, weight: Any, given: dict[str, Any], dy: Any) -> tuple[Any, Any, Any]:
    width = _width(given)
    eps = np.finfo(x.dtype).eps if given["eps"] is None else given["eps"]
    with np.errstate(invalid="ignore"):
        y, cache = rms_norm_forward(x.reshape(x.size // width, width), _fold(weight, (width,)), float(eps))
    dx, dgamma = rms_norm_backward(dy.reshape(y.shape), cache)
    return y.reshape(x.shape), dx.reshape(x.shape), _fold(dgamma, np.shape(weight))


def _group_norm(x: Any, weight: Any, bias: Any, given: dict[str, Any], dy: Any) -> tuple[Any, Any, Any, Any]:
    with np.errstate(invalid="ignore"):
        y, cache = group_norm_forward(x, given["num_groups"], weight, bias, given["eps"])
    return (y, *group_norm_backward(dy, cache))


def _op_result(y: Any, *grads: Any) -> dict[str, Any]:
    return {"out": [y], "grad_in": [grad for grad in grads if grad is not None]}


def layer_norm(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    x, rest, names = _split(args, kwargs)
    given = _given(LAYER_NORM, rest, names)
    return _op_result(*_layer_norm(x, given["weight"], given["bias"], given, cot[0]))


def rms_norm(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    x, rest, names = _split(args, kwargs)
    given = _given(RMS_NORM, rest, names)
    return _op_result(*_rms_norm(x, given["weight"], given, cot[0]))


def group_norm(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    x, rest, names = _split(args, kwargs)
    given = _given(GROUP_NORM, rest, names)
    return _op_result(*_group_norm(x, given["weight"], given["bias"], given, cot[0]))


def layer_norm_module(
    args: list[Any], kwargs: dict[str, Any], params: dict[str, Any], config: Any, cot: list[Any]
) -> dict[str, Any]:
    given = _given(LAYER_NORM_MODULE, config["args"], config["kwargs"])
    x = _split(args, kwargs)[0]
    y, dx, dgamma, dbeta = _layer_norm(x, params.get("weight"), params.get("bias"), given, cot[0])
    return {"out": [y], "grad_in": [dx], "grad_params": {"weight": dgamma, "bias": dbeta}}


def rms_norm_module(
    args: list[Any], kwargs: dict[str, Any], params: dict[str, Any], config: Any, cot: list[Any]
) -> dict[str, Any]:
    given = _given(RMS_NORM_MODULE, config["args"], config["kwargs"])
    y, dx, dgamma = _rms_norm(_split(args, kwargs)[0], params.get("weight"), given, cot[0])
    return {"out": [y], "grad_in": [dx], "grad_params": {"weight": dgamma}}


def group_norm_module(
    args: list[Any], kwargs: dict[str, Any], params: dict[str, Any], config: Any, cot: list[Any]
) -> dict[str, Any]:
    given = _given(GROUP_NORM_MODULE, config["args"], config["kwargs"])
    x = _split(args, kwargs)[0]
    y, dx, dgamma, dbeta = _group_norm(x, params.get("weight"), params.get("bias"), given, cot[0])
    return {"out": [y], "grad_in": [dx], "grad_params": {"weight": dgamma, "bias": dbeta}}


OPS = {
    ("op", "nn.functional.layer_norm"): layer_norm,
    ("op", "nn.functional.rms_norm"): rms_norm,
    ("op", "nn.functional.group_norm"): group_norm,
    ("module", "LayerNorm"): layer_norm_module,
    ("module", "RMSNorm"): rms_norm_module,
    ("module", "GroupNorm"): group_norm_module,
}
