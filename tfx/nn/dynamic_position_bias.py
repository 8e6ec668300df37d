"""Position biases from a small network: it reads an offset and says how much each head likes it.

    bias_hij = G(offset of j from i)_h            G: one number per axis -> H numbers

A table knows only the offsets that it was trained on; a network gives a bias to every offset, so that a model can be
moved to longer sequences or larger images.  It runs once for each different offset and not for each pair: T + S - 1
times on a line, (2R - 1)(2C - 1) times on a grid of R rows and C columns.  Two networks have been used:

    "dynamic"      offsets as they are; a linear map, then three times LayerNorm, ReLU and a linear map
    "continuous"   offsets on a logarithmic scale, sign(o) log(1 + |o|); a linear map, ReLU and a linear map

Both were written for images.  On a line an offset has one axis; use is otherwise as in nn/relative_bias.py.
Sources: Wang et al. 2022, "CrossFormer" (dynamic); Liu et al. 2022, "Swin Transformer V2", section 3.3,
equations 3 and 4 (continuous).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.nn.feed_forward import check_activation
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.relative_bias import check_grid
from tfx.nn.two_maps import TwoMaps, TwoMapsCache
from tfx.ops.basics.embedding import EmbeddingCache
from tfx.ops.basics.linear import LinearCache
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.norms.layer_norm import LayerNormCache
from tfx.ops.positions.grid_offsets import every_grid_offset, grid_offset_numbers
from tfx.ops.positions.relative_buckets import bucket_bias_backward, bucket_bias_forward
from tfx.ops.positions.relative_offsets import OffsetBiasCache, every_offset, offset_bias_backward, offset_bias_forward
from tfx.params import Layer

Rng = np.random.Generator


class StageCache(NamedTuple):
    norm: LayerNormCache
    activation: Any
    linear: LinearCache


class DynamicNetworkCache(NamedTuple):
    first: LinearCache
    stages: tuple[StageCache, ...]


class DynamicPositionBiasCache(NamedTuple):
    network: Any
    spread: OffsetBiasCache | EmbeddingCache  # from offsets to pairs, on a line or on a grid


class DynamicNetwork(Layer):
    """Owns first: Linear(axes, F), and norms and linears for three stages, the last of which gives H numbers."""

    def __init__(self, axes: int, d_ff: int, n_heads: int, rng: Rng, activation: str, dtype: Any = "float32") -> None:
        self.activation = activation
        self.first = Linear(axes, d_ff, rng, dtype=dtype)
        self.norms = [LayerNorm(d_ff, dtype) for _ in range(3)]
        self.linears = [Linear(d_ff, width, rng, dtype=dtype) for width in (d_ff, d_ff, n_heads)]

    def forward(self, offsets: Array) -> tuple[Array, DynamicNetworkCache]:
        """offsets: (R, axes) -> (R, H), cache."""
        x, first = self.first.forward(offsets)
        stages = []
        for norm, linear in zip(self.norms, self.linears, strict=True):
            x, norm_cache = norm.forward(x)
            x, activation_cache = ACTIVATIONS[self.activation][0](x)
            x, linear_cache = linear.forward(x)
            stages.append(StageCache(norm_cache, activation_cache, linear_cache))
        return x, DynamicNetworkCache(first, tuple(stages))

    def backward(self, dy: Array, cache: DynamicNetworkCache) -> None:
        """dy: (R, H).  Offsets are counted, so their gradient goes nowhere."""
        for norm, linear, stage in reversed(list(zip(self.norms, self.linears, cache.stages, strict=True))):
            dx = linear.backward(dy, stage.linear)  # y = linear(activation(norm(x)))
            dx = ACTIVATIONS[self.activation][1](dx, stage.activation)
            dy = norm.backward(dx, stage.norm)  # this stage's input was the output of the one before
        self.first.backward(dy, cache.first)


class ContinuousNetwork(TwoMaps):
    """Owns first: Linear(axes, F) and second: Linear(F, H).

    The second has no bias: it would raise all scores of a head alike, and softmax does not see that.
    """

    def __init__(self, axes: int, d_ff: int, n_heads: int, rng: Rng, activation: str, dtype: Any = "float32") -> None:
        first = Linear(axes, d_ff, rng, dtype=dtype)
        super().__init__(first, activation, Linear(d_ff, n_heads, rng, bias=False, dtype=dtype))

    def forward(self, offsets: Array) -> tuple[Array, TwoMapsCache]:
        """offsets: (R, axes) -> (R, H), cache."""
        xp = xp_of(offsets)
        return super().forward(xp.sign(offsets) * xp.log1p(abs(offsets)))


KINDS = ("dynamic", "continuous")


class DynamicPositionBias(Layer):
    """Owns network.  kind: "dynamic" or "continuous".  grid: (rows, columns) of an image; a line unless told.

    d_ff: F; a quarter of the model's width for "dynamic" and 512 for "continuous" in their papers' code.
    activation: a name in ops.activations.ACTIVATIONS.
    """

    def __init__(
        self,
        n_heads: int,
        d_ff: int,
        rng: np.random.Generator,
        kind: str = "dynamic",
        grid: tuple[int, int] | None = None,
        activation: str = "relu",
        dtype: Any = "float32",
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
        check_activation(activation, gated=False)
        self.grid = grid
        axes = 1 if grid is None else 2
        self.network: DynamicNetwork | ContinuousNetwork
        if kind == "dynamic":
            self.network = DynamicNetwork(axes, d_ff, n_heads, rng, activation, dtype)
        else:
            self.network = ContinuousNetwork(axes, d_ff, n_heads, rng, activation, dtype)

    def forward(self, n_queries: int, n_keys: int, past: int, like: Array) -> tuple[Array, DynamicPositionBiasCache]:
        """-> bias: (H, T, S), cache.  `like` gives dtype and device.

        Raises ValueError when there is a grid and queries and keys are not its places.
        """
        xp = xp_of(like)
        spread: OffsetBiasCache | EmbeddingCache
        if self.grid is None:
            offsets = every_offset(n_queries, n_keys, past, xp)[:, None].astype(like.dtype)
            table, network = self.network.forward(offsets)
            bias, spread = offset_bias_forward(table, n_queries, n_keys)
        else:
            check_grid(*self.grid, n_queries, n_keys, past)
            table, network = self.network.forward(every_grid_offset(*self.grid, xp).astype(like.dtype))
            bias, spread = bucket_bias_forward(table, grid_offset_numbers(*self.grid, xp))
        return bias, DynamicPositionBiasCache(network, spread)

    def backward(self, dbias: Array, cache: DynamicPositionBiasCache) -> None:
        """dbias: (H, T, S)."""
        if isinstance(cache.spread, OffsetBiasCache):
            dtable = offset_bias_backward(dbias, cache.spread)
        else:
            dtable = bucket_bias_backward(dbias, cache.spread)
        self.network.backward(dtable, cache.network)
