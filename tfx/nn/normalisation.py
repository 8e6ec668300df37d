"""Normalisation layers by name: all have the same face, so that a block can take any of them.

    y, cache = norm.forward(x)            x: (..., C) -> y: (..., C)
    dx = norm.backward(dy, cache)

BatchNorm and PowerNorm also have a `training` switch, buffers that `Layer.update_buffers` moves once a step, and an
optional keep mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tfx.nn.batch_norm import BatchNorm
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.power_norm import PowerNorm
from tfx.nn.rms_norm import RMSNorm
from tfx.nn.running_norm import RunningNorm
from tfx.nn.scale_norm import ScaleNorm
from tfx.params import Layer, walk

#: Name -> how to make one of (width, dtype, eps, bias).  RMSNorm and ScaleNorm never have an offset; BatchNorm and
#: PowerNorm always have one.
NORMS: dict[str, Callable[[int, Any, float, bool], Any]] = {
    "layer_norm": LayerNorm,
    "rms_norm": lambda width, dtype, eps, bias: RMSNorm(width, dtype, eps),
    "scale_norm": lambda width, dtype, eps, bias: ScaleNorm(width, dtype, eps),
    "batch_norm": lambda width, dtype, eps, bias: BatchNorm(width, dtype, eps),
    "power_norm": lambda width, dtype, eps, bias: PowerNorm(width, dtype, eps),
}


#: Where norms can stand: see nn/residual.py.
PLACEMENTS = ("pre", "post", "inner")


def make_norm(kind: str, width: int, dtype: Any = "float32", eps: float = 1e-5, bias: bool = True) -> Any:
    """A layer that normalises rows of `width` numbers.  Raises ValueError for an unknown kind."""
    check_norm(kind)
    return NORMS[kind](width, dtype, eps, bias)


def check_norm(kind: str) -> None:
    """Raises ValueError for an unknown kind."""
    if kind not in NORMS:
        raise ValueError(f'the norm must be one of {", ".join(NORMS)}, not "{kind}"')


def check_placement(placement: str) -> None:
    """Raises ValueError for a place where no norm stands."""
    if placement not in PLACEMENTS:
        raise ValueError(f'norm_place must be one of {", ".join(PLACEMENTS)}, not "{placement}"')


def set_training(model: Layer, training: bool) -> None:
    """Switches every layer inside that computes something else in training than in evaluation."""
    for layer in _switched(model):
        layer.training = training


@contextmanager
def evaluating(model: Layer) -> Iterator[None]:
    """Inside `with`, the model computes as in evaluation; then every layer is again as it was."""
    before = [(layer, layer.training) for layer in _switched(model)]
    set_training(model, False)
    try:
        yield
    finally:
        for layer, training in before:
            layer.training = training


def _switched(model: Layer) -> list[RunningNorm]:
    """The layers inside with a `training` switch."""
    return [layer for _, layer in walk(model, Layer) if isinstance(layer, RunningNorm)]
