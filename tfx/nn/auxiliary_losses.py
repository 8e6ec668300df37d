"""Losses that a layer adds on its own, such as the load balance of experts: where they are found, what they weigh.

A layer cannot add to the loss of the model, for it only returns its output and its cache.  So it leaves an
`AuxiliaryLoss` in the cache, and in backward it adds `weight` times the gradient of it to its own.  With weights of 1
what the model trains on is

    loss of the model + sum of the auxiliary losses              (Fedus et al. 2022, "Switch Transformers", section 2.2)

Whoever multiplies the loss of the model by a factor has to do the same here: `weigh` gives the cache that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from tfx.backend import Array

Cache = TypeVar("Cache")


class AuxiliaryLoss(NamedTuple):
    value: Array  # a scalar, coefficients included
    weight: Any = 1.0  # what backward multiplies its gradient by


def auxiliary_losses(cache: Any) -> list[AuxiliaryLoss]:
    """Every auxiliary loss in a cache (of a block, a stack or a model), first layer first."""
    if isinstance(cache, AuxiliaryLoss):
        return [cache]
    if isinstance(cache, tuple | list):
        return [loss for part in cache for loss in auxiliary_losses(part)]
    return []


def auxiliary_loss(cache: Any) -> Any:
    """What the auxiliary losses in a cache add to the loss of the model: a scalar, 0.0 when there are none."""
    return sum((loss.value * loss.weight for loss in auxiliary_losses(cache)), 0.0)


def weigh(cache: Cache, factor: Any) -> Cache:
    """The same cache, with the weight of every auxiliary loss multiplied by `factor`."""
    return _replaced(cache, lambda loss: loss._replace(weight=factor * loss.weight))


def with_losses(cache: Cache, losses: Iterable[AuxiliaryLoss]) -> Cache:
    """The same cache, with `losses` in place of its own, in their order: for a cache that is computed once more."""
    each = iter(losses)
    return _replaced(cache, lambda _: next(each))


def _replaced(cache: Any, change: Callable[[AuxiliaryLoss], AuxiliaryLoss]) -> Any:
    if isinstance(cache, AuxiliaryLoss):
        return change(cache)
    if not isinstance(cache, tuple | list) or not auxiliary_losses(cache):
        return cache
    parts = [_replaced(part, change) for part in cache]
    return type(cache)(*parts) if hasattr(cache, "_fields") else type(cache)(parts)
