"""Convolutions.  A single image or sequence without a batch axis gets one."""

from __future__ import annotations

from typing import Any

from tests.peers.adapters import Skip
from tfx.ops.grids.convolution import convolution_backward, convolution_forward

NAMES = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
MODULE_NAMES = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")


def _run(x: Any, w: Any, b: Any, cot: list[Any], settings: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    if batchless := x.ndim == w.ndim - 1:
        x = x[None]
    y, cache = convolution_forward(x, w, b, **settings)
    dx, dw, db = convolution_backward(cot[0].reshape(y.shape), cache)
    return (y[0], dx[0], dw, db) if batchless else (y, dx, dw, db)


def convolution(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    given = {"bias": None} | dict(zip(NAMES, args, strict=False)) | kwargs
    x, w, b = given.pop("input"), given.pop("weight"), given.pop("bias")
    y, *grads = _run(x, w, b, cot, given)
    return {"out": [y], "grad_in": [grad for grad in grads if grad is not None]}


def convolution_layer(
    args: list[Any], kwargs: dict[str, Any], params: dict[str, Any], config: Any, cot: list[Any]
) -> dict[str, Any]:
    given = dict(zip(MODULE_NAMES, config["args"], strict=False)) | config["kwargs"]
    if given.get("padding_mode", "zeros") != "zeros":
        raise Skip("tfx pads with zeros only; reflected and circular borders are for images")
    settings = {name: given[name] for name in NAMES if name in given}
    y, dx, dw, db = _run(args[0], params["weight"], params.get("bias"), cot, settings)
    return {"out": [y], "grad_in": [dx], "grad_params": {"weight": dw, "bias": db}}


OPS = {
    ("op", "nn.functional.conv1d"): convolution,
    ("op", "nn.functional.conv2d"): convolution,
    ("op", "nn.functional.conv3d"): convolution,
    ("module", "Conv1d"): convolution_layer,
    ("module", "Conv2d"): convolution_layer,
    ("module", "Conv3d"): convolution_layer,
}
