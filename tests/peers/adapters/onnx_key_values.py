"""A store of keys and values that is written in place."""

from __future__ import annotations

from typing import Any

from tfx.ops.attention.tensor_scatter import tensor_scatter_forward


def tensor_scatter(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    past, update, starts = (*inputs, None)[:3]
    circular = attrs.get("mode", "linear") == "circular"
    return tensor_scatter_forward(past, update, starts, attrs.get("axis", -2), circular)[0]


OPS = {"TensorScatter": tensor_scatter}
