"""A copy of a model whose layers can be listened to: each notes what came in and what went out, both ways."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar

from tfx.backend import Array
from tfx.params import Buffer, Layer, Parameter, walk

L = TypeVar("L", bound=Layer)


class Note:
    """What passed one layer.  x, y, cache: what forward read, gave and kept; dy, dx: what backward got and gave."""

    x: Array
    y: Array
    cache: Any
    dy: Array
    dx: Array


def own_copy(model: L) -> L:
    """A copy of the layers that owns nothing: parameters and buffers, gradients included, are those of the model."""
    shared = {id(owned): owned for kind in (Parameter, Buffer) for _, owned in walk(model, kind)}
    return copy.deepcopy(model, shared)


def listen(layer: Any) -> Note:
    """From now on the layer notes what passes.  Listen to a layer of `own_copy(model)`, never to the model's own."""
    note = Note()
    vars(layer).update(forward=_forward(layer.forward, note), backward=_backward(layer.backward, note))
    return note


def _forward(forward: Callable[..., Any], note: Note) -> Callable[..., Any]:
    def heard(x: Array, *given: Any, **named: Any) -> tuple[Array, Any]:
        y, cache = forward(x, *given, **named)
        note.x, note.y, note.cache = x, y, cache
        return y, cache

    return heard


def _backward(backward: Callable[..., Any], note: Note) -> Callable[..., Any]:
    def heard(dy: Array, *given: Any) -> Any:
        dx = backward(dy, *given)
        note.dy, note.dx = dy, getattr(dx, "dx", dx)  # attention gives the gradients of three inputs, and their sum
        return dx

    return heard
