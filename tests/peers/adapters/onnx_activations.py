"""Activations and the gated unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.erf import erf
from tfx.ops.feed_forward.gated import glu_forward
from tfx.ops.feed_forward.sigmoid import silu_forward

GELU = {"none": "gelu", "tanh": "gelu_tanh"}


def _activation(name: str) -> Callable[..., Any]:
    return lambda inputs, attrs, ctx: ACTIVATIONS[name][0](inputs[0])[0]


def gelu(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return ACTIVATIONS[GELU[attrs.get("approximate", "none")]][0](inputs[0])[0]


def swish(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return silu_forward(inputs[0], beta=attrs.get("alpha", 1.0))[0]


def swiglu(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return glu_forward(*inputs, "silu", beta=attrs.get("alpha", 1.0))[0]


def error_function(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return erf(inputs[0])


OPS = {
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Softplus": _activation("softplus"),
    "Tanh": _activation("tanh"),
    "Mish": _activation("mish"),
    "Gelu": gelu,
    "Swish": swish,
    "SwiGLU": swiglu,
    "Erf": error_function,
}
