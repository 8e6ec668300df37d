"""A formula worked out on arrays of float64.  Axes are told by their letters, since no two of a drawing have one size.

Every array that arises has at most MOST_NUMBERS entries and MOST_AXES axes; this is known before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod, sqrt

import numpy as np

from lessons.practice.derive.signs import key_of
from lessons.practice.derive.tokens import CannotRead
from lessons.practice.derive.tree import ALSO, FUNCTIONS, Binary, Call, Name, Negative, Number, Transposed, Tree
from tfx.backend import Array
from tfx.errors import nearest
from tfx.ops.basics.logsumexp import logsumexp_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.feed_forward.erf import erf_forward
from tfx.ops.feed_forward.sigmoid import sigmoid_forward

MOST_NUMBERS, MOST_AXES = 100_000, 4


class Misfit(Exception):
    """Shapes that do not fit.  sign: of the operation; operands: its arrays; at: its place in the line."""

    def __init__(self, message: str, at: int, sign: str, *operands: Array) -> None:
        super().__init__(message)
        self.message, self.at, self.sign, self.operands = message, at, sign, operands


@dataclass
class Scope:
    """Names that a formula may use.  sizes: letter of an axis -> its size.  words: what an axis is called -> its
    letter.  also: other names of arrays.  missing: names that a formula may not use yet -> why.  While a formula is
    worked out: notes, on how it is read; not_finite, the places at which infinity or no number arose."""

    sizes: Mapping[str, int]
    arrays: dict[str, Array]
    words: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    not_finite: list[int] = field(default_factory=list)

    def value(self, name: str, at: int) -> Array:
        """Raises CannotRead for a name that is not known."""
        found = self.find(name)
        if found is not None:
            return self.arrays[found] if found in self.arrays else np.float64(self.sizes[found])
        if name == "pi":
            return np.float64(np.pi)
        if name in self.missing:
            raise CannotRead(f"{name} cannot be used yet: {self.missing[name]}", at)
        if ALSO.get(name, name) in FUNCTIONS:
            raise CannotRead(f"{name} is a function: write {name}(...), with brackets.", at)
        whole = self.whole(name)
        if whole:
            raise CannotRead(f"indices are not written: {whole} is the whole array.", at)
        known = (*self.arrays, *self.sizes)
        guess = next((one for one in known if one.lower() == name.lower()), "") or nearest(name, known)
        if name == "T":
            raise CannotRead("to transpose, write X.T or X^T.", at)
        own = " A helper needs a line of its own first."
        two = next(((name[:i], name[i:]) for i in range(1, len(name)) if name[:i] in known and name[i:] in known), None)
        if two:
            raise CannotRead(f'nothing is called "{name}" here. To multiply, write {two[0]}*{two[1]}.', at)
        told = f" Did you mean {guess}?" if guess else f" There are: {', '.join(known)}.{own}"
        raise CannotRead(f'nothing is called "{name}" here.{told}', at)

    def find(self, name: str) -> str | None:
        """The array or axis that is meant: m_hat and mhat are one name."""
        name = self.also.get(name, name)
        if name in self.arrays or name in self.sizes:
            return name
        return next((one for one in self.arrays if key_of(one) == key_of(name)), None)

    def whole(self, name: str) -> str:
        """P for P_ij."""
        begins, _, index = name.rpartition("_")
        return begins if begins in self.arrays and index and set(index) <= set("ijklmnt") else ""

    def axes(self, shape: tuple[int, ...]) -> str:
        """(N, D) for its sizes; a size that no axis has stays a number."""
        if not shape:
            return "a number"
        letters = {size: letter for letter, size in self.sizes.items()}
        return f"({', '.join(letters.get(size, str(size)) for size in shape)})"

    def axis(self, array: Array, axis: int | str, at: int) -> int:
        """The number of an axis of the array.  Raises CannotRead where it has none of that name."""
        if isinstance(axis, int):
            if not -array.ndim <= axis < array.ndim:
                raise CannotRead(f"{self.axes(array.shape)} has no axis {axis}.", at)
            return axis % array.ndim
        letter = self.words.get(axis.lower(), axis)
        if letter not in self.sizes:
            words = ", ".join((*self.sizes, *self.words))
            raise CannotRead(f'no axis is called "{axis}". There are: {words}, all.', at)
        places = [place for place, size in enumerate(array.shape) if size == self.sizes[letter]]
        if not places:
            raise CannotRead(f"{self.axes(array.shape)} has no axis {letter}.", at)
        return places[-1]


def work_out(tree: Tree, scope: Scope) -> Array:
    """The formula's value in float64.  Raises CannotRead for unknown names and axes, Misfit for shapes."""
    with np.errstate(all="ignore"):
        return np.array(_value(tree, scope), dtype=np.float64)  # a copy: a name alone gives what it stands for


def _value(tree: Tree, scope: Scope) -> Array:
    value = _value_of(tree, scope)
    if not np.isfinite(value).all():
        scope.not_finite.append(tree.at)
    return value


def _value_of(tree: Tree, scope: Scope) -> Array:
    match tree:
        case Number():
            return np.float64(tree.value)
        case Name():
            return scope.value(tree.name, tree.at)
        case Negative():
            return -_value(tree.of, scope)
        case Transposed():
            return _transposed(_value(tree.of, scope), tree.at, scope)
        case Binary(sign="^", left=Name(name="e")) if scope.find("e") is None:
            return np.exp(_value(tree.right, scope))
        case Binary():
            left, right = _value(tree.left, scope), _value(tree.right, scope)
            if tree.sign == "@":
                return _product(left, right, tree.at, scope)
            _fits(tree.sign, left, right, tree.at, scope)
            return ENTRY_BY_ENTRY[tree.sign](left, right)
        case Call():
            return _called(tree, [_value(argument, scope) for argument in tree.arguments], scope)


ENTRY_BY_ENTRY: dict[str, Callable[[Array, Array], Array]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power,
    "maximum": np.maximum, "minimum": np.minimum,
}  # fmt: skip
OF_ENTRIES: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "abs": np.abs,
    "sign": np.sign, "sigmoid": lambda x: sigmoid_forward(x)[0], "erf": lambda x: erf_forward(x)[0], "relu": lambda x: np.maximum(x, 0.0),
    "Phi": lambda x: 0.5 * (1.0 + erf_forward(x / sqrt(2.0))[0]), "phi": lambda x: np.exp(-0.5 * x * x) / sqrt(2.0 * np.pi),
}  # fmt: skip
ALONG: dict[str, Callable[..., Array]] = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min}


def _small(shape: tuple[int, ...], at: int) -> None:
    if prod(shape) > MOST_NUMBERS or len(shape) > MOST_AXES:
        raise CannotRead(f"this gives {prod(shape):,} numbers in {len(shape)} axes, more than a derivation needs.", at)


def _fits(sign: str, left: Array, right: Array, at: int, scope: Scope) -> None:
    a, b = np.shape(left), np.shape(right)
    try:
        shape = np.broadcast_shapes(a, b)
    except ValueError:
        one, other = scope.axes(a), scope.axes(b)
        raise Misfit(f"{one} {sign} {other} does not fit, entry by entry.", at, sign, left, right) from None
    _small(shape, at)


def _product(left: Array, right: Array, at: int, scope: Scope) -> Array:
    a, b = np.shape(left), np.shape(right)
    if not a or not b:
        raise Misfit("@ multiplies arrays, and this is a number: write *.", at, "@", left, right)
    inner = b[-2] if len(b) > 1 else b[0]
    if len(a) == 3 and b == (a[0], a[2]) and a[-1] != inner:  # a table for each row, times that row
        return (left @ right[..., None])[..., 0]
    if a[-1] != inner or (len(a) > 2 and len(b) > 2 and a[:-2] != b[:-2]):
        one, other = scope.axes(a), scope.axes(b)
        says = (
            f"{one} @ {other} does not fit: the last axis on the left has to be the first of the matrix on the right."
        )
        raise Misfit(says, at, "@", left, right)
    _small((*max(a[:-2], b[:-2], key=len), *a[-2:-1], *b[1:][-1:]), at)
    return left @ right


def _transposed(value: Array, at: int, scope: Scope) -> Array:
    if np.ndim(value) < 2:
        what = f"{scope.axes(np.shape(value))} has one axis" if np.ndim(value) else "a number has no axes"
        raise Misfit(f"{what}, so that there is nothing to transpose; outer(a, b) has all products.", at, "T", value)
    return np.swapaxes(value, -1, -2)


def _called(call: Call, arguments: list[Array], scope: Scope) -> Array:
    first, at = arguments[0], call.at
    if call.function in OF_ENTRIES:
        return np.asarray(OF_ENTRIES[call.function](np.asarray(first)))
    match call.function:
        case "maximum" | "minimum":
            _fits(call.function, first, arguments[1], at, scope)
            return ENTRY_BY_ENTRY[call.function](first, arguments[1])
        case "outer":
            return _outer(first, arguments[1], at)
        case "diag":
            if not np.ndim(first):
                raise Misfit("diag takes an array, and this is a number.", at, "diag", first)
            column = first[..., 0] if np.ndim(first) > 1 and np.shape(first)[-1] == 1 else first
            if np.ndim(column) > 1:
                scope.notes.append("diag makes a table of each row; the diagonal of a table X is sum(X*eye(N)).")
            return _eye(np.shape(column)[-1], at) * _small_enough(column, at)[..., None]
        case "eye":
            return _eye(_size(first, at), at)
        case "onehot":
            return _onehot(first, _size(arguments[1], at) if len(arguments) > 1 else scope.sizes.get("V", 0), at)
    return _along(call, np.asarray(first), scope)


def _along(call: Call, x: Array, scope: Scope) -> Array:
    if any(axis in ("all", "None") for axis in call.axes):
        axes = tuple(range(x.ndim))
    else:
        axes = tuple(scope.axis(x, axis, call.at) for axis in call.axes) or tuple(range(x.ndim))[-1:]
    if not call.axes and call.function != "softmax":
        if x.ndim > 1 and x.shape[-1] == 1:
            note = f"{call.function} runs along the last axis, which has size 1 here: name another one, as in "
            scope.notes.append(f"{note}{call.function}(x, {next(iter(scope.sizes))}).")
        elif x.ndim > 1 and call.pasted:
            note = f"{call.function} without an axis runs along the last one here, as {call.function}(x) does; in "
            scope.notes.append(f"{note}NumPy it runs over all.")
    if len(set(axes)) < len(axes):
        raise CannotRead("the same axis is named twice.", call.at)
    if not axes:
        return np.zeros_like(x) + 1.0 if call.function == "softmax" else x
    if call.function in ALONG:
        return ALONG[call.function](x, axis=axes, keepdims=call.keeps)
    if len(axes) > 1:
        raise CannotRead(f"{call.function} runs along one axis.", call.at)
    if call.function == "softmax":
        return softmax_forward(x, axes[0])[0]
    y = np.asarray(logsumexp_forward(x, axes[0])[0])
    return np.expand_dims(y, axes[0]) if call.keeps else y


def _outer(one: Array, other: Array, at: int) -> Array:
    if np.ndim(one) == 2 and np.ndim(other) == 1 and one.shape[1] == 1:  # a column
        one = one[:, 0]
    if not np.ndim(one) or not np.ndim(other) or np.shape(one)[:-1] != np.shape(other)[:-1]:
        raise Misfit("outer takes two arrays, alike but for their last axes.", at, "outer", one, other)
    _small((*one.shape, other.shape[-1]), at)
    return one[..., :, None] * other[..., None, :]


def _small_enough(x: Array, at: int) -> Array:
    _small((*x.shape, x.shape[-1]), at)
    return x


def _size(value: Array, at: int) -> int:
    """A size that was written as a number or as the letter of an axis."""
    if np.ndim(value) or not 1 <= float(value) <= 100 or float(value) != int(value):
        raise CannotRead("here the size of an axis is asked for, such as its letter.", at)
    return int(value)


def _eye(size: int, at: int) -> Array:
    _small((size, size), at)
    return np.eye(size)


def _onehot(labels: Array, size: int, at: int) -> Array:
    if not size:
        raise CannotRead("onehot needs a second argument, the axis of the classes: onehot(y, V).", at)
    whole = np.asarray(labels)
    if whole.ndim == 0 or not np.array_equal(whole, np.clip(np.rint(whole), 0, size - 1)):
        raise CannotRead(f"onehot takes labels, whole numbers from 0 to {size - 1}.", at)
    _small((*whole.shape, size), at)
    return np.eye(size)[whole.astype(int)]
