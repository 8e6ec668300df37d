"""A case: one backward, the forward it belongs to, and inputs that put it to the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import xp_of
from tfx.params import Layer
from tfx.records import qualified_name


class Problem(NamedTuple):
    """`inputs` are checked, `fixed` (masks, ids, settings) is handed to forward as it is.

    directions: check that many random directions instead of every element.  layer: the layer, where it is one.
    """

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]
    inputs: Mapping[str, Any]
    fixed: Mapping[str, Any] = MappingProxyType({})
    directions: int | None = None
    layer: Layer | None = None


class Case(NamedTuple):
    """`target` is the function `*_backward`, or the layer class, that the case covers.

    linear: forward is linear in each input, so that the adjoint test applies to all of them; operations are asked input
    by input anyway.  complex_safe: the complex step applies; False needs a reason, what in forward is not analytic.
    """

    target: Callable[..., Any]
    variant: str
    build: Callable[[np.random.Generator], Problem]
    linear: bool = False
    complex_safe: bool = True
    reason: str = ""

    @property
    def op(self) -> str:
        """`softmax` for tfx.ops.basics.softmax.softmax_backward, `nn.Linear` for the layer tfx.nn.linear.Linear."""
        room = qualified_name(self.target).split(".")[1]
        name = self.target.__name__
        return f"{room}.{name}" if isinstance(self.target, type) else name.removesuffix("_backward")

    @property
    def covers(self) -> str:
        """`tfx.ops.basics.softmax.softmax_backward`."""
        return qualified_name(self.target)


def layer_problem(
    layer: Layer,
    rng: np.random.Generator,
    inputs: Mapping[str, Any],
    fixed: Mapping[str, Any] | None = None,
    dropout_seed: int | None = None,
    sums: bool = False,
    directions: int | None = None,
) -> Problem:
    """A whole layer: the gradients of its float inputs and of every parameter, under their dotted names.

    Every parameter gets random values first, because a gain of 1 and a bias of 0 hide mistakes.
    dropout_seed: every forward draws the same masks from it.  sums: the one input was used several times
    (self-attention), and the gradients that come back have their sum as `.dx`.
    """
    layer.astype(np.float64)
    parameters = layer.parameters()
    for parameter in parameters.values():
        parameter.value = np.asarray(parameter.value + 0.3 * rng.standard_normal(parameter.shape))
    differentiable = [name for name, value in inputs.items() if value.dtype.kind == "f"]

    def forward(**given: Any) -> tuple[Any, Any]:
        for name, parameter in parameters.items():
            parameter.value = given.pop(name)
        if dropout_seed is not None:
            given["rng"] = np.random.default_rng(dropout_seed)
        return layer.forward(**given)  # type: ignore[attr-defined]

    def backward(dy: Any, cache: Any) -> dict[str, Any]:
        for parameter in parameters.values():
            parameter.grad = xp_of(parameter.value).zeros_like(parameter.value)
        returned = layer.backward(dy, cache)  # type: ignore[attr-defined]
        if sums:
            returned = returned.dx
        gradients = _input_gradients(returned, differentiable)
        return gradients | {name: parameter.grad for name, parameter in parameters.items()}

    values = {name: parameter.value for name, parameter in parameters.items()}
    return Problem(forward, backward, {**inputs, **values}, fixed or {}, directions, layer)


def _input_gradients(returned: Any, names: list[str]) -> dict[str, Any]:
    """What the backward of a layer returned: fields d<name>, or gradients in the order of the inputs."""
    if hasattr(returned, "_fields"):
        return {name: getattr(returned, f"d{name}") for name in names}
    several = returned if isinstance(returned, tuple) else (returned,)
    return dict(zip(names, several, strict=bool(names)))
