"""Quantisation of a whole model: the weights of every linear map rounded to what a few bits can hold."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.nn.linear import Linear
from tfx.ops.small_numbers.quantisation import Quantised, dequantise, quantise
from tfx.params import Layer, walk


class QuantisedWeights(NamedTuple):
    """by_name: the codes of each weight that was rounded, under its dotted name."""

    by_name: dict[str, Quantised]
    n_bytes_before: int

    @property
    def n_bytes(self) -> int:
        return sum(codes.n_bytes for codes in self.by_name.values())


def linear_maps(model: Layer) -> dict[str, Linear]:
    """Dotted name -> every Linear of a model; one that is used several times stands there once."""
    found: dict[int, tuple[str, Linear]] = {}
    for name, linear in walk(model, Linear):
        found.setdefault(id(linear), (name, linear))
    return dict(found.values())


def quantise_linears(model: Layer, bits: int = 8, **settings: Any) -> QuantisedWeights:
    """Replaces the weights of every Linear by what their codes stand for, in place; offsets and tables stay.

    settings: those of ops.quantisation.quantise (symmetric, per, group).  The model computes as before, only with
    rounded weights, so that its loss can be compared; keep `model.state()` to go back.
    """
    before, codes = 0, {}
    for name, linear in linear_maps(model).items():
        before += linear.w.value.nbytes
        codes[name + ".w"] = quantise(linear.w.value, bits, **settings)
        linear.w.value[...] = dequantise(codes[name + ".w"])
    return QuantisedWeights(codes, before)
