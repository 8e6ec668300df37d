"""Convolutions."""

from __future__ import annotations

from typing import Any

from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.grids.causal_convolution import causal_convolution_forward
from tfx.ops.grids.convolution import convolution_forward

#: The names that ONNX has for a padding that follows from the shapes.
AUTO_PAD = {"VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}


def convolution(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    x, w, b = [*inputs, None][:3]
    pads = attrs.get("pads", [0] * 2 * (x.ndim - 2))
    padding: Any = AUTO_PAD.get(attrs.get("auto_pad", "NOTSET"))
    if padding is None:
        padding = list(zip(pads[: x.ndim - 2], pads[x.ndim - 2 :], strict=True))  # all befores, then all afters
    return convolution_forward(
        x, w, b, attrs.get("strides", 1), padding, attrs.get("dilations", 1), attrs.get("group", 1)
    )[0]


def causal_convolution(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    x, w, b, state = [*inputs, None, None][:4]
    y, cache = causal_convolution_forward(x, w, b, state, groups=len(w))
    silu, _ = ACTIVATIONS["silu"]
    if attrs.get("activation", "none") in ("silu", "swish"):  # two names of one function
        y, _ = silu(y)
    return y, cache.state


OPS = {"Conv": convolution, "CausalConvWithState": causal_convolution}
