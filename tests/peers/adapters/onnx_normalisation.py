"""Normalisation.  ONNX normalises all axes from `axis` on together: here they are folded into one.

stash_type asks for float32 inside, whatever goes in; gain and offset come after the way back (LayerNormalization, and
RMSNormalization for the gain).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.ops.norms.batch_norm import Statistics, batch_norm_forward, updated_statistics
from tfx.ops.norms.group_norm import group_norm_forward
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.ops.norms.rms_norm import rms_norm_forward


def _rows(x: Any, attrs: dict[str, Any]) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    """x as (rows, width), the shape of what is normalised, and the shape of one statistic for each row."""
    axis = attrs.get("axis", -1) % x.ndim
    lead, normalised = x.shape[:axis], x.shape[axis:]
    width = math.prod(normalised)
    return x.reshape(math.prod(lead), width), normalised, lead + (1,) * len(normalised)


def _flat(parameter: Any, shape: tuple[int, ...]) -> Any:
    """Gain or offset may be given in any shape that broadcasts."""
    return None if parameter is None else np.broadcast_to(parameter, shape).reshape(-1).astype(parameter.dtype)


def _inside(x: Any, attrs: dict[str, Any]) -> Any:
    return x.astype(np.float32) if attrs.get("stash_type", 1) == 1 and x.dtype.itemsize < 4 else x


def layer_norm(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    x, scale, bias = [*inputs, None][:3]
    rows, normalised, lead = _rows(_inside(x, attrs), attrs)
    gamma, beta = (None if p is None else _flat(p, normalised).astype(rows.dtype) for p in (scale, bias))
    y, cache = layer_norm_forward(rows, gamma, beta, attrs.get("epsilon", 1e-5))
    return y.reshape(x.shape).astype(x.dtype), cache.mean.reshape(lead), cache.inv_std.reshape(lead)


def rms_norm(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    x, scale = inputs
    rows, normalised, _ = _rows(_inside(x, attrs), attrs)
    y, _ = rms_norm_forward(rows, _flat(scale, normalised).astype(rows.dtype), attrs.get("epsilon", 1e-5))
    return y.reshape(x.shape).astype(scale.dtype)


def group_norm(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    """Before version 21 gain and offset were given once for each group."""
    x, scale, bias = inputs
    inside, n_groups = _inside(x, attrs), attrs["num_groups"]
    if ctx["opset"] < 21:
        scale, bias = (np.repeat(p, x.shape[1] // n_groups) for p in (scale, bias))
    scale, bias = scale.astype(inside.dtype), bias.astype(inside.dtype)
    y, _ = group_norm_forward(inside, n_groups, scale, bias, attrs.get("epsilon", 1e-5))
    return y.astype(x.dtype)


def instance_norm(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    x, scale, bias = inputs
    return group_norm_forward(x, x.shape[1], scale, bias, attrs.get("epsilon", 1e-5))[0]


def batch_norm(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    """ONNX has channels second, calls the share of the old statistics momentum, and leaves the variance biased."""
    x, scale, bias, mean, variance = inputs
    running, training = Statistics(mean, variance), bool(attrs.get("training_mode", 0))
    last = np.moveaxis(x, 1, -1) if x.ndim > 1 else x
    y, cache = batch_norm_forward(last, scale, bias, None if training else running, eps=attrs.get("epsilon", 1e-5))
    y = np.moveaxis(y, -1, 1) if x.ndim > 1 else y
    if not training:
        return y
    return (y, *updated_statistics(running, cache, 1.0 - attrs.get("momentum", 0.9), unbiased=False))


OPS = {
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
    "GroupNormalization": group_norm,
    "InstanceNormalization": instance_norm,
    "BatchNormalization": batch_norm,
}
