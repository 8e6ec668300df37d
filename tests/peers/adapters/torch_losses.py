"""Losses.  PyTorch has the classes on axis 1 (axis 0 without a batch), tfx has them last."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.adapters import Skip
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.kl_divergence import kl_divergence_backward, kl_divergence_forward
from tfx.ops.losses.negative_log_likelihood import negative_log_likelihood_backward, negative_log_likelihood_forward
from tfx.ops.losses.soft_cross_entropy import soft_cross_entropy_backward, soft_cross_entropy_forward
from tfx.ops.losses.targets import keep_except

NOTHING_COUNTS = "a mean over no targets: tfx says 0 and PyTorch NaN, because padding must not end a training run"


def classes_last(x: np.ndarray) -> np.ndarray:
    return np.moveaxis(x, min(1, x.ndim - 1), -1)


def classes_first(x: np.ndarray) -> np.ndarray:
    return np.moveaxis(x, -1, min(1, x.ndim - 1))


def kept(targets: np.ndarray, settings: dict[str, Any]) -> np.ndarray:
    """Which targets count.  -100 is PyTorch's own number for "none"."""
    keep = keep_except(targets, settings.get("ignore_index", -100))
    if settings.get("reduction", "mean") == "mean" and not keep.any():
        raise Skip(NOTHING_COUNTS)
    return keep


def cross_entropy_of(logits: np.ndarray, targets: np.ndarray, settings: dict[str, Any], cot: list[Any]) -> Any:
    reduction = settings.get("reduction", "mean")
    smoothing, weights = settings.get("label_smoothing", 0.0), settings.get("weight")
    logits = classes_last(logits)
    if targets.dtype.kind != "f":
        keep = kept(targets, settings)
        loss, cache = cross_entropy_forward(logits, targets, smoothing, keep, weights, reduction)
        return {"out": [loss], "grad_in": [classes_first(cross_entropy_backward(cot[0], cache))]}
    loss, soft = soft_cross_entropy_forward(
        logits, classes_last(targets), smoothing, class_weights=weights, reduction=reduction
    )
    grads = soft_cross_entropy_backward(cot[0], soft)
    return {
        "out": [loss],
        "grad_in": [classes_first(grads.dlogits), classes_first(grads.dtargets), grads.dclass_weights],
    }


def cross_entropy(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    return cross_entropy_of(args[0], args[1], kwargs, cot)


def cross_entropy_layer(
    args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]
) -> dict[str, Any]:
    result = cross_entropy_of(args[0], args[1], config["kwargs"], cot)
    return {**result, "grad_in": result["grad_in"][:2]}


def negative_log_likelihood(
    args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]
) -> dict[str, Any]:
    loss, cache = negative_log_likelihood_forward(
        classes_last(args[0]), args[1], kept(args[1], kwargs), kwargs.get("weight"), kwargs.get("reduction", "mean")
    )
    return {"out": [loss], "grad_in": [classes_first(negative_log_likelihood_backward(cot[0], cache))]}


def kl_divergence(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    reduction, log_target = kwargs.get("reduction", "mean"), kwargs.get("log_target", False)
    loss, cache = kl_divergence_forward(args[0], args[1], log_target, reduction)
    return {"out": [loss], "grad_in": list(kl_divergence_backward(cot[0], cache))}


OPS = {
    ("op", "nn.functional.cross_entropy"): cross_entropy,
    ("op", "nn.functional.nll_loss"): negative_log_likelihood,
    ("op", "nn.functional.kl_div"): kl_divergence,
    ("module", "CrossEntropyLoss"): cross_entropy_layer,
}
