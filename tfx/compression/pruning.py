"""Pruning of a whole model: weights set to zero, and kept there while training goes on.

Which ones: ops/small_numbers/pruning_masks.py.  Zeros are still stored and multiplied; compression/removal.py takes
whole heads and units out, so that the matrices get smaller.
Source: Han et al. 2015, "Learning both Weights and Connections for Efficient Neural Networks": train, prune, train on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfx.backend import Array
from tfx.compression.quantise_model import linear_maps
from tfx.params import Layer

#: Dotted name of a parameter -> boolean array of its shape, True = keep.
Masks = dict[str, Array]


def prune_linears(model: Layer, mask_of: Callable[[Array], Array]) -> Masks:
    """Sets weights of every Linear to zero, in place -> what was kept.

    mask_of: w: (I, J) -> boolean, broadcastable to it, such as lambda w: magnitude_mask(w, 0.5).
    """
    masks = {name + ".w": mask_of(linear.w.value) for name, linear in linear_maps(model).items()}
    apply_masks(model, masks)
    return masks


def _masked(model: Layer, masks: Masks) -> list[tuple[Any, Array]]:
    """Each parameter that has a mask, with it.  Raises ValueError or TypeError for a mask that fits none."""
    parameters, pairs = model.parameters(), []
    for name, mask in masks.items():
        if name not in parameters:
            raise ValueError(f"the model has no parameter called {name!r}")
        shape = parameters[name].shape
        if mask.dtype != bool:
            raise TypeError(f"the mask of {name} must be boolean (True = keep), not {mask.dtype}")
        if mask.ndim > len(shape) or any(a not in (1, b) for a, b in zip(mask.shape[::-1], shape[::-1], strict=False)):
            raise ValueError(f"the mask of {name} is {mask.shape} but the weights are {shape}")
        pairs.append((parameters[name], mask))
    return pairs


def apply_masks(model: Layer, masks: Masks) -> None:
    """Sets what the masks leave out to zero.  After an optimiser with momentum from before the pruning, or noise.

    Raises ValueError for a mask that fits no parameter, TypeError for one that is not boolean.
    """
    for parameter, mask in _masked(model, masks):
        parameter.value *= mask


def with_masks(loss: Callable[[Any, Any, Any], Any], masks: Masks) -> Callable[[Any, Any, Any], Any]:
    """loss(model, batch, rng) -> the same loss, whose gradient is 0 where the masks leave a weight out.

    y = x (w * mask), so dw = (x^T dy) * mask.  A new optimiser then leaves those weights at 0.
    """

    def masked(model: Any, batch: Any, rng: Any) -> Any:
        value = loss(model, batch, rng)
        for parameter, mask in _masked(model, masks):
            parameter.grad *= mask
        return value

    return masked


def sparsity(model: Layer, masks: Masks) -> float:
    """The share of zeros among the weights that have a mask; 0 for no mask."""
    values = [parameter.value for parameter, _ in _masked(model, masks)]
    size = sum(value.size for value in values)
    return sum(int((value == 0).sum()) for value in values) / size if size else 0.0
