"""LoRA: chosen matrices of a trained model get a low-rank update, W + (alpha / R) A B; A and B alone are learnt.

    lora = add_lora(model, rank=4, rng=rng)          the paper's choice: the queries and values of every attention
    train(model, batches, loss, AdamW(lora), ...)
    lora.merge()                                     a plain model again, with W' for W: no cost when it is used

The update stands where the matrix stood: a `LoraWeight` answers to `.value` with W', and takes the gradient of W'
through `.grad += dw`, as a Parameter does, and hands it on to A and B.  So any layer that reads a matrix can be tuned,
and none has to know.  Its price is that W' and dW' are built, R I J multiplications more for each;
ops/low_rank/lora_linear.py is the way without, and says where each pays.  (Dropout in front of A, which some use, needs
that other way.)
Source: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", sections 4.1 and 4.2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.arguments import number, whole_number
from tfx.backend import Array
from tfx.nn.linear import Linear
from tfx.ops.low_rank.low_rank_update import LowRankUpdateCache, low_rank_update_backward, low_rank_update_forward
from tfx.params import Buffer, Layer, Parameter, walk
from tfx.tuning.part import Chosen, Part, among


class LoraWeight(Layer):
    """Stands in for a Parameter (I, J).  Owns a: (I, R), normal with variance 1 / I, and b: (R, J), zero.

    base, the matrix as it was, is a Buffer: part of the model's state, without a gradient.
    Raises ValueError for a rank that no matrix of this shape can have.
    """

    def __init__(self, weight: Parameter, rank: int, rng: np.random.Generator, alpha: float | None = None) -> None:
        rows, columns = weight.shape
        if not 1 <= whole_number("rank", rank) <= min(rows, columns):
            raise ValueError(f"a matrix ({rows}, {columns}) cannot have rank {rank}")
        dtype = weight.value.dtype
        self.base = Buffer(weight.value)
        self.a = Parameter((rng.standard_normal((rows, rank)) / math.sqrt(rows)).astype(dtype))
        self.b = Parameter(np.zeros((rank, columns), dtype=dtype))
        self.scale = 1.0 if alpha is None else number("alpha", alpha) / rank

    @property
    def value(self) -> Array:
        """W' = W + scale A B: (I, J), made anew each time."""
        return low_rank_update_forward(self.base.value, self.a.value, self.b.value, self.scale)[0]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.base.shape

    @property
    def grad(self) -> _Receiver:
        """Takes `+= dw` and nothing else."""
        return _Receiver(self)

    @grad.setter
    def grad(self, received: _Receiver) -> None:
        if not isinstance(received, _Receiver):
            raise TypeError("the gradient of W' goes to A and B: add to it, it cannot be set")

    def receive(self, dw: Array) -> None:
        """dw: (I, J), the gradient of W'.  Adds to those of A and B; that of W is dropped, W is frozen."""
        grads = low_rank_update_backward(dw, LowRankUpdateCache(self.a.value, self.b.value, self.scale))
        self.a.grad += grads.da
        self.b.grad += grads.db


class _Receiver:
    """What `.grad` of a LoraWeight is: the left side of +=."""

    def __init__(self, weight: LoraWeight) -> None:
        self._weight = weight

    def __iadd__(self, dw: Array) -> _Receiver:
        self._weight.receive(dw)
        return self


class Lora(Part):
    """The A and B of all updates in a model, and the switch between the forms of that model.

    Build optimisers for the model itself only while no update is in it, or after `merge`.
    """

    def __init__(self, model: Layer, places: dict[str, tuple[Linear, LoraWeight]]) -> None:
        self._places = places
        self._put(lambda weight: weight)
        super().__init__(model, among(model, [factor for _, w in places.values() for factor in (w.a, w.b)]))

    def merge(self) -> None:
        """W' becomes an ordinary Parameter.  What A and B have learnt stays here."""
        self._put(lambda weight: Parameter(weight.value))

    def unmerge(self) -> None:
        """The updates are applied again, and can be trained further."""
        self._put(lambda weight: weight)

    def remove(self) -> None:
        """W becomes an ordinary Parameter again, with the bits it had: the model before tuning."""
        self._put(lambda weight: Parameter(weight.base.value))

    def _put(self, form: Any) -> None:
        for linear, weight in self._places.values():
            linear.w = form(weight)


def queries_and_values(name: str) -> bool:
    """The maps that the paper tunes when it may tune two of the four (section 7.1)."""
    return name.rsplit(".", 1)[-1] in ("query", "value")


def add_lora(
    model: Layer, rank: int, rng: np.random.Generator, alpha: float | None = None, chosen: Chosen = queries_and_values
) -> Lora:
    """Puts an update into every nn.Linear whose dotted name is chosen; the outputs do not change by a bit.

    alpha: the update is multiplied by alpha / rank, by 1 unless told.  A Linear that is used twice gets one update.
    Raises ValueError when no Linear is chosen, when one has an update already, or for an impossible rank.
    """
    found: dict[int, tuple[str, Linear]] = {}
    for name, linear in walk(model, Linear):
        if chosen(name):
            found.setdefault(id(linear), (name, linear))
    if not found:
        raise ValueError("no linear map of this model was chosen")
    tuned = [name for name, linear in found.values() if isinstance(linear.w, LoraWeight)]
    if tuned:
        raise ValueError(f"{tuned[0]} has a low-rank update already; merge or remove it first")
    return Lora(model, {name: (linear, LoraWeight(linear.w, rank, rng, alpha)) for name, linear in found.values()})
