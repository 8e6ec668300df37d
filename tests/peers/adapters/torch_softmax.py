"""Softmax and the linear map."""

from __future__ import annotations

from typing import Any

from tfx.ops.softmax import softmax_backward, softmax_forward


def softmax(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    y, cache = softmax_forward(args[0], axis=args[1])
    return {"out": [y], "grad_in": [softmax_backward(cot[0], cache)]}


OPS = {("op", "softmax"): softmax}
