"""Losses.  ONNX has the classes on axis 1, tfx has them last."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.adapters import Skip
from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.ops.losses.negative_log_likelihood import negative_log_likelihood_forward
from tfx.ops.losses.targets import keep_except

NOTHING_COUNTS = "a mean over no targets: tfx says 0 and ONNX NaN, because padding must not end a training run"


def _given(inputs: list[Any], attrs: dict[str, Any]) -> tuple[Any, ...]:
    """scores with the classes last, targets, keep or None, class weights or None, reduction."""
    scores, targets, weights = [*inputs, None][:3]
    reduction = attrs.get("reduction", "mean")
    keep = keep_except(targets, attrs["ignore_index"]) if "ignore_index" in attrs else None
    if reduction == "mean" and keep is not None and not keep.any():
        raise Skip(NOTHING_COUNTS)
    return np.moveaxis(scores, 1, -1), targets, keep, weights, reduction


def cross_entropy(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    logits, targets, keep, weights, reduction = _given(inputs, attrs)
    loss, _ = cross_entropy_forward(logits, targets, 0.0, keep, weights, reduction)
    return loss, log_softmax_forward(inputs[0], axis=1)[0]


def negative_log_likelihood(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return negative_log_likelihood_forward(*_given(inputs, attrs))[0]


OPS = {"SoftmaxCrossEntropyLoss": cross_entropy, "NegativeLogLikelihoodLoss": negative_log_likelihood}
