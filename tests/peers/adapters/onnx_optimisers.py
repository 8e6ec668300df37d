"""Adagrad, Adam and Momentum: one step of an optimiser on any number of tensors.

The inputs are learning rate, update count, then all values, all gradients, and each running average of all tensors;
the outputs are the new values and the new averages in the same order.  The update count is that of the steps before
this one.  Adam's bias correction there uses it as it is, one behind the paper's, and at 0 leaves the correction out.
"""

from __future__ import annotations

from typing import Any

from tests.peers.adapters import Skip
from tfx.optim import SGD, Adagrad, Adam, Optimizer
from tfx.params import Layer, Parameter, flatten


class Tensors(Layer):
    def __init__(self, values: list[Any]) -> None:
        self.tensors = [Parameter(value) for value in values]


def step(kind: type[Optimizer], inputs: list[Any], count: int, **settings: Any) -> tuple[Any, ...]:
    rate, rest = inputs[0], inputs[2:]
    n_tensors = len(rest) // (2 + len(kind.averages))
    columns = [rest[i : i + n_tensors] for i in range(0, len(rest), n_tensors)]
    model = Tensors(columns[0])
    flat = flatten(model)
    optimizer = kind(flat, **settings)  # type: ignore[arg-type]
    optimizer.steps = count
    vectors = [flat.grad, *(getattr(optimizer, name) for name in kind.averages)]
    for vector, tensors in zip(vectors, columns[1:], strict=True):
        for name, tensor in zip(flat.names, tensors, strict=True):
            flat.view(vector, name)[...] = tensor
    optimizer.step(float(rate))
    outputs = [flat.value, *vectors[1:]]
    return tuple(flat.view(vector, name) for vector in outputs for name in flat.names)


def adagrad(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> tuple[Any, ...]:
    return step(
        Adagrad,
        inputs,
        int(inputs[1]),
        eps=attrs.get("epsilon", 1e-6),
        rate_decay=attrs.get("decay_factor", 0.0),
        l2=attrs.get("norm_coefficient", 0.0),
    )


def adam(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> tuple[Any, ...]:
    if attrs.get("norm_coefficient_post", 0.0):
        raise Skip("a decay after the step that the learning rate does not scale belongs to no published optimiser")
    count = int(inputs[1])
    return step(
        Adam,
        inputs,
        max(count - 1, 0),
        beta1=attrs.get("alpha", 0.9),
        beta2=attrs.get("beta", 0.999),
        eps=attrs.get("epsilon", 1e-6),
        eps_hat=True,
        bias_correction=count > 0,
        l2=attrs.get("norm_coefficient", 0.0),
    )


def momentum(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> tuple[Any, ...]:
    return step(
        SGD,
        inputs,
        int(inputs[1]),
        momentum=attrs["alpha"],
        nesterov=attrs["mode"] == "nesterov",
        grad_weight=attrs["beta"],
        l2=attrs["norm_coefficient"],
    )


OPS = {"Adagrad": adagrad, "Adam": adam, "Momentum": momentum}
