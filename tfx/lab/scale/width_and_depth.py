"""Width against depth: the same number of parameters, spent on wide layers or on many.

    parameters of a block = 4 C^2 + 2 C F  (+ offsets and norms),  with F = r C:  (4 + 2 r) C^2
    so L blocks of width C cost as much as one block of width sqrt(L) C

What needs several steps one after the other (find the key, then read what stands beside it) needs as many layers, and
no width replaces them; what is one step deep gains little from a second layer.
Sources: Levine et al. 2020, "Limits to Depth Efficiencies of Self-Attention"; Tay et al. 2022, "Scale Efficiently".
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Shape(NamedTuple):
    """n_layers blocks of width d_model, with d_ff = ratio d_model."""

    n_layers: int
    d_model: int
    d_ff: int


def block_parameters(d_model: int, d_ff: int) -> int:
    """Trainable numbers of one encoder block: four maps and a feed-forward network with offsets, and two LayerNorms."""
    return 4 * (d_model * d_model + d_model) + (2 * d_model * d_ff + d_ff + d_model) + 4 * d_model


def same_size(n_layers: int, budget: int, ratio: int = 2, multiple: int = 4) -> Shape:
    """The widest stack of n_layers whose blocks have at most `budget` parameters; the width a multiple, as heads need
    it.

    Raises ValueError when not even the narrowest fits.
    """
    d_model = int(math.sqrt(budget / n_layers / (4 + 2 * ratio))) // multiple * multiple
    while d_model > 0 and n_layers * block_parameters(d_model, ratio * d_model) > budget:
        d_model -= multiple
    if d_model <= 0:
        raise ValueError(f"{budget} parameters are too few for {n_layers} blocks")
    return Shape(n_layers, d_model, ratio * d_model)
