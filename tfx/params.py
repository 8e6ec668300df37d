"""Parameters and the layers that own them.

A `Parameter` is a value with the gradient that backward adds to it; a `Buffer` is a value that training moves without
a gradient.  A `Layer` owns parameters, buffers and other layers as ordinary attributes and keeps nothing else: what
forward computed travels in the cache it returns.  So one layer may be used twice, or one Parameter shared by two layers
(tied weights), and the gradients of all uses add up by construction.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from tfx.backend import Array, is_array, to_device, xp_of


class Owned:
    """An array that a layer owns."""

    __slots__ = ("value",)
    value: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.value.shape}, dtype={self.value.dtype})"


class Parameter(Owned):
    """A trainable array and the gradient accumulated for it: same shape, dtype and device."""

    __slots__ = ("grad",)

    def __init__(self, value: Array) -> None:
        self.value = value
        self.grad = xp_of(value).zeros_like(value)


class Buffer(Owned):
    """An array that belongs to a model but has no gradient: the running statistics of BatchNorm.

    forward reads `value`.  A forward or backward in training moves `next`, always by a new array; `value` follows in
    `Layer.update_buffers`, once a step, as parameters follow in the optimiser's step.  So forward stays a function of
    its input, and several micro-batches of one step all read the same value.
    """

    __slots__ = ("next",)

    def __init__(self, value: Array) -> None:
        self.value = value
        self.next = value


class Layer:
    """Base of everything that owns parameters: found by walking the attributes in the order they were set."""

    def parameters(self) -> dict[str, Parameter]:
        """Dotted name -> Parameter, in definition order.  A shared Parameter appears once, under its first name."""
        return _distinct(self, Parameter)

    def buffers(self) -> dict[str, Buffer]:
        """Dotted name -> Buffer, in definition order."""
        return _distinct(self, Buffer)

    def update_buffers(self) -> None:
        """Makes what training has moved the buffers to their value.  Call it where the optimiser's step is called."""
        for buffer in self.buffers().values():
            buffer.value = buffer.next

    @property
    def n_parameters(self) -> int:
        """Trainable numbers; a shared Parameter counts once."""
        return sum(parameter.value.size for parameter in self.parameters().values())

    def zero_grad(self) -> None:
        """Sets every gradient to zero, in place."""
        for parameter in self.parameters().values():
            parameter.grad[...] = 0

    def astype(self, dtype: Any) -> Layer:
        """Converts every value to `dtype` with a fresh zero gradient; returns the layer itself.

        The arrays are replaced, so call it before `flatten` and before an optimiser is built.
        """
        for parameter in self.parameters().values():
            parameter.value = parameter.value.astype(dtype)
            parameter.grad = xp_of(parameter.value).zeros_like(parameter.value)
        for buffer in self.buffers().values():
            buffer.value = buffer.next = buffer.value.astype(dtype)
        return self

    def to_device(self, xp: Any) -> Layer:
        """Moves all that the layer owns to where `xp` computes (see backend.device_module); returns the layer itself.

        That is parameters with their gradients, buffers, and fixed arrays that are attributes.  The arrays are
        replaced, so call it before `flatten` and before an optimiser is built.
        """
        for name, attribute in vars(self).items():
            setattr(self, name, _moved(attribute, xp))
        return self

    def state(self) -> dict[str, Array]:
        """Dotted name -> a copy of the value, parameters first and then buffers."""
        owned: dict[str, Parameter | Buffer] = {**self.parameters(), **self.buffers()}
        return {name: one.value.copy() for name, one in owned.items()}

    def load_state(self, state: dict[str, Array]) -> None:
        """Copies the values in, converted to the dtype of each parameter and buffer.

        Raises ValueError when a name is missing or unknown, or a shape differs.
        """
        parameters, buffers = self.parameters(), self.buffers()
        own: dict[str, Parameter | Buffer] = {**parameters, **buffers}
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or unknown:
            raise ValueError(f"the values do not belong to this model: missing {missing}, unknown {unknown}")
        for name, owned in own.items():
            if tuple(state[name].shape) != owned.shape:
                raise ValueError(f"{name} has shape {tuple(state[name].shape)} but the model needs {owned.shape}")
        for name, parameter in parameters.items():
            parameter.value[...] = to_device(state[name], xp_of(parameter.value))
        for name, buffer in buffers.items():
            buffer.value = buffer.next = to_device(state[name], xp_of(buffer.value)).astype(buffer.value.dtype)


def _moved(thing: Any, xp: Any) -> Any:
    """An attribute of a layer, where `xp` computes.  Layers, parameters and buffers stay the same objects."""
    if isinstance(thing, Layer):
        return thing.to_device(xp)
    if isinstance(thing, Parameter):
        thing.value, thing.grad = to_device(thing.value, xp), to_device(thing.grad, xp)
    elif isinstance(thing, Buffer):
        thing.value = thing.next = _moved(thing.value, xp)
    elif is_array(thing):
        return to_device(thing, xp)
    elif isinstance(thing, dict):
        return {name: _moved(item, xp) for name, item in thing.items()}
    elif isinstance(thing, list | tuple):
        items = [_moved(item, xp) for item in thing]
        return type(thing)(*items) if hasattr(thing, "_fields") else type(thing)(items)
    elif isinstance(getattr(thing, "__self__", None), Layer):
        thing.__self__.to_device(xp)  # a bound method: a frozen model that hides from the parameters
    return thing


Found = TypeVar("Found")
L = TypeVar("L", bound=Layer)


def walk(thing: Any, kind: type[Found], prefix: str = "") -> Iterator[tuple[str, Found]]:
    """Dotted name and object, for every object of that kind in a layer, in definition order; shared ones repeat."""
    if isinstance(thing, kind):
        yield prefix, thing
    if isinstance(thing, Layer):
        for name, attribute in vars(thing).items():
            yield from walk(attribute, kind, f"{prefix}.{name}" if prefix else name)
    elif isinstance(thing, list | tuple):
        for index, item in enumerate(thing):
            yield from walk(item, kind, f"{prefix}.{index}")


def _distinct(layer: Layer, kind: type[Found]) -> dict[str, Found]:
    found: dict[str, Found] = {}
    seen: set[int] = set()
    for name, owned in walk(layer, kind):
        if id(owned) not in seen:
            seen.add(id(owned))
            found[name] = owned
    return found


def replica(layer: L) -> L:
    """A layer that reads the same values and has gradients of its own, zero: what a worker needs.

    A step of the optimiser moves both, because the arrays are shared.  Buffers are shared as they are.
    """
    shared: dict[int, Any] = {}
    for _, parameter in walk(layer, Parameter):
        if id(parameter) not in shared:
            shared[id(parameter)] = Parameter(parameter.value)
    shared |= {id(buffer): buffer for _, buffer in walk(layer, Buffer)}
    return copy.deepcopy(layer, shared)


@dataclass(frozen=True)
class FlatParameters:
    """All parameters of a model as one vector: optimisers and clipping need one NumPy call, not one per tensor.

    value, grad: (n,) buffers that every Parameter of the model is a view of.  slices[i] is where names[i] lives.
    """

    value: Array
    grad: Array
    names: tuple[str, ...]
    slices: tuple[slice, ...]
    shapes: tuple[tuple[int, ...], ...]

    def view(self, vector: Array, name: str) -> Array:
        """The part of `vector`, (n,), that belongs to the parameter `name`, in its shape."""
        index = self.names.index(name)
        return vector[self.slices[index]].reshape(self.shapes[index])


def flatten(layer: Layer) -> FlatParameters:
    """Moves every parameter of `layer` into one buffer and leaves views behind.

    Calling it again gives the same buffers.  Flatten the whole model, not a part of one that was flattened already:
    the part would move out of the first buffer.  Raises ValueError when there are no parameters or mixed dtypes.
    """
    parameters = layer.parameters()
    if not parameters:
        raise ValueError("the layer has no parameters")
    dtypes = {str(parameter.value.dtype) for parameter in parameters.values()}
    if len(dtypes) > 1:
        raise ValueError(f"parameters have mixed dtypes {sorted(dtypes)}; call astype first")
    stops, total = [], 0
    for parameter in parameters.values():
        total += parameter.value.size
        stops.append(total)
    slices = tuple(slice(stop - p.value.size, stop) for stop, p in zip(stops, parameters.values(), strict=True))
    shapes = tuple(parameter.shape for parameter in parameters.values())
    first = next(iter(parameters.values()))
    value = _shared_buffer([p.value for p in parameters.values()], total)
    grad = _shared_buffer([p.grad for p in parameters.values()], total)
    if value is None or grad is None:
        xp = xp_of(first.value)
        value, grad = xp.empty(total, dtype=first.value.dtype), xp.empty(total, dtype=first.value.dtype)
        for parameter, part, shape in zip(parameters.values(), slices, shapes, strict=True):
            value[part] = parameter.value.reshape(-1)
            grad[part] = parameter.grad.reshape(-1)
            parameter.value = value[part].reshape(shape)
            parameter.grad = grad[part].reshape(shape)
    return FlatParameters(value, grad, tuple(parameters), slices, shapes)


def _shared_buffer(arrays: list[Array], total: int) -> Array | None:
    """The one vector that all arrays are views of, when they are and it holds nothing else."""
    base = arrays[0].base
    if base is None or base.ndim != 1 or base.size != total:
        return None
    return base if all(array.base is base for array in arrays) else None
