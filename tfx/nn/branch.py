"""A branch of a residual block whose norm stands in front: f = dropout(layer(norm(x))).

The block adds it to its path, and owns the parts: a branch is only the order in which they are called.  Without a sum
of its own it fits where the path is not x + f: half steps (nn/conformer.py), two streams (nn/reversible.py).

Derivation.  Three functions in a row: df goes back through dropout, layer and norm.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.nn.dropout import Dropout
from tfx.ops.basics.dropout import DropoutCache


class BranchCache(NamedTuple):
    norm: Any
    layer: Any
    dropout: DropoutCache


class Branch(NamedTuple):
    norm: Any
    layer: Any
    dropout: Dropout

    def forward(self, x: Array, rng: Any = None, **read: Any) -> tuple[Array, BranchCache]:
        """x: (B, T, C) -> f: (B, T, C).  read: what else the layer reads, such as a mask."""
        normed, norm = self.norm.forward(x)
        f, layer = self.layer.forward(normed, rng=rng, **read)
        f, dropout = self.dropout.forward(f, rng)
        return f, BranchCache(norm, layer, dropout)

    def backward(self, df: Array, cache: BranchCache) -> Array:
        """df: (B, T, C) -> dx: (B, T, C), the branch's share."""
        df = self.dropout.backward(df, cache.dropout)  # f = dropout(layer(normed))
        dnormed = self.layer.backward(df, cache.layer)
        dnormed = getattr(dnormed, "dx", dnormed)  # attention has gradients for several inputs, which were one here
        return self.norm.backward(dnormed, cache.norm)  # normed = norm(x)
