"""Softmax."""

from __future__ import annotations

from typing import Any

from tfx.ops.softmax import softmax_forward


def softmax(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return softmax_forward(inputs[0], axis=attrs.get("axis", -1))[0]


OPS = {"Softmax": softmax}
