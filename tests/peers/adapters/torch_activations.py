"""Activations and the gated linear unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.erf import erf_backward, erf_forward
from tfx.ops.feed_forward.gated import split_glu_backward, split_glu_forward

GELU = {"none": "gelu", "tanh": "gelu_tanh"}


def _input(args: list[Any], kwargs: dict[str, Any]) -> Any:
    return kwargs["input"] if "input" in kwargs else args[0]


def _run(name: str, x: Any, cot: list[Any]) -> dict[str, Any]:
    forward, backward = ACTIVATIONS[name]
    y, cache = forward(x)
    return {"out": [y], "grad_in": [backward(cot[0], cache)]}


def _activation(name: str) -> Callable[..., dict[str, Any]]:
    def run(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
        return _run(name, _input(args, kwargs), cot)

    return run


def gelu(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    return _run(GELU[kwargs.get("approximate", "none")], _input(args, kwargs), cot)


def gelu_module(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    kind = config["args"][0] if config["args"] else config["kwargs"].get("approximate", "none")
    return _run(GELU[kind], _input(args, kwargs), cot)


def glu(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    axis = args[1] if len(args) > 1 else kwargs.get("dim", -1)
    y, cache = split_glu_forward(_input(args, kwargs), axis=axis)
    return {"out": [y], "grad_in": [split_glu_backward(cot[0], cache)]}


def glu_module(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    axis = config["args"][0] if config["args"] else config["kwargs"].get("dim", -1)
    return glu([_input(args, kwargs), axis], {}, params, config, cot)


def error_function(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    y, cache = erf_forward(_input(args, kwargs))
    return {"out": [y], "grad_in": [erf_backward(cot[0], cache)]}


OPS = {
    ("op", "nn.functional.relu"): _activation("relu"),
    ("op", "nn.functional.silu"): _activation("silu"),
    ("op", "nn.functional.mish"): _activation("mish"),
    ("op", "sigmoid"): _activation("sigmoid"),
    ("op", "tanh"): _activation("tanh"),
    ("op", "nn.functional.sigmoid"): _activation("sigmoid"),
    ("op", "nn.functional.tanh"): _activation("tanh"),
    ("op", "nn.functional.gelu"): gelu,
    ("op", "nn.functional.glu"): glu,
    ("op", "erf"): error_function,
    ("module", "ReLU"): _activation("relu"),
    ("module", "SiLU"): _activation("silu"),
    ("module", "Mish"): _activation("mish"),
    ("module", "Sigmoid"): _activation("sigmoid"),
    ("module", "Tanh"): _activation("tanh"),
    ("module", "GELU"): gelu_module,
    ("module", "GLU"): glu_module,
}
