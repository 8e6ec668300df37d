"""A recurrent layer and a self-attention layer behind one call, (B, T, C) -> (B, T, C), and what is measured on both.

How far news and gradients travel, whether order matters, what depth does, and what a layer takes and keeps.
Sources: Vaswani et al. 2017, "Attention Is All You Need", section 4 and table 1; Bengio, Simard and Frasconi 1994.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.caches import arrays_by_name
from tfx.measure.measuring import Timing, thread_clock, time_in_turns
from tfx.ops.attention.self_attention import SelfAttentionCache, self_attention_backward, self_attention_forward
from tfx.ops.recurrence.rnn import RnnCache, rnn_backward, rnn_forward


class SequenceLayer(Protocol):
    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]: ...

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray: ...


@dataclass(frozen=True)
class Recurrent:
    """h_t = tanh(x_t W_x + h_{t-1} W_h), from a zero state.  w_x, w_h: (C, C)."""

    w_x: np.ndarray
    w_h: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, d: int, radius: float) -> Recurrent:
        """Weights of variance 1/d; W_h is then stretched so that its largest eigenvalue has size `radius`."""
        w_h = rng.standard_normal((d, d)) / math.sqrt(d)
        return cls(rng.standard_normal((d, d)) / math.sqrt(d), w_h).stretched(radius)

    def stretched(self, radius: float) -> Recurrent:
        """The same layer with another spectral radius of W_h."""
        return replace(self, w_h=self.w_h * (radius / np.abs(np.linalg.eigvals(self.w_h)).max()))

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, RnnCache]:
        zero = np.zeros((x.shape[0], len(self.w_h)), dtype=x.dtype)
        return rnn_forward(x, zero, self.w_x.astype(x.dtype), self.w_h.astype(x.dtype))

    def backward(self, dy: np.ndarray, cache: RnnCache) -> np.ndarray:
        return np.asarray(rnn_backward(dy, cache).dx)


@dataclass(frozen=True)
class SelfAttention:
    """One head without positions and without a mask.  w_q, w_k, w_v: (C, C)."""

    w_q: np.ndarray
    w_k: np.ndarray
    w_v: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, d: int) -> SelfAttention:
        """Weights of variance 1/d."""
        return cls(*(rng.standard_normal((d, d)) / math.sqrt(d) for _ in range(3)))

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, SelfAttentionCache]:
        return self_attention_forward(x, *(w.astype(x.dtype) for w in (self.w_q, self.w_k, self.w_v)))

    def backward(self, dy: np.ndarray, cache: SelfAttentionCache) -> np.ndarray:
        return np.asarray(self_attention_backward(dy, cache).dx)


def change_by_place(layer: SequenceLayer, x: np.ndarray) -> np.ndarray:
    """x: (1, T, C) -> (T,): by how much each output changes at most when 1 is added to the whole first token."""
    nudged = x.copy()
    nudged[:, 0] += 1.0
    return np.asarray(np.abs(layer.forward(nudged)[0] - layer.forward(x)[0]).max(axis=(0, 2)))


def gradient_by_distance(
    layer: SequenceLayer, x: np.ndarray, rng: np.random.Generator, directions: int = 8
) -> np.ndarray:
    """x: (1, T, C) -> (T,): entry k is the length of d(u . last output) / d(input k tokens before the last).

    Averaged over a few random unit vectors u.
    """
    y, cache = layer.forward(np.repeat(x, directions, axis=0))
    dy = np.zeros_like(y)
    u = rng.standard_normal((directions, y.shape[-1]))
    dy[:, -1] = u / np.linalg.norm(u, axis=-1, keepdims=True)
    return np.asarray(np.linalg.norm(layer.backward(dy, cache), axis=-1).mean(axis=0)[::-1])


def trend(sizes: np.ndarray) -> tuple[float, float]:
    """The slope of log(size) over the distance, per token, by least squares, and its standard error.

    Entry 0, the token's own share, is left out.  Raises ValueError for fewer than three other sizes.
    """
    if len(sizes) < 4:
        raise ValueError(f"a trend with its error needs three distances, got {len(sizes) - 1}")
    k, y = np.arange(1, len(sizes)), np.log(sizes[1:])
    dk = k - k.mean()
    slope = float(dk @ y / (dk @ dk))
    residual = y - y.mean() - slope * dk
    return slope, math.sqrt(float(residual @ residual) / (k.size - 2) / float(dk @ dk))


def order_gap(layer: SequenceLayer, x: np.ndarray, shuffle: np.ndarray) -> float:
    """Largest difference between shuffled outputs and outputs of the shuffled input; shuffle: (T,) places."""
    return float(np.abs(layer.forward(x[:, shuffle])[0] - layer.forward(x)[0][:, shuffle]).max())


def through_depth(
    layers: Sequence[SelfAttention], x: np.ndarray, rng: np.random.Generator, residual: bool
) -> list[dict[str, float]]:
    """What becomes of tokens and gradients in a stack of self-attention layers; a row for each depth.

    spread: how much of what the layer reads tells the tokens apart, |x - mean over tokens| / |x|.  gradient: the size
    of dW_Q in that layer, for a random gradient of size 1 at its output.  residual: every layer is x + layer(x).
    """
    rows = []
    for depth, layer in enumerate(layers, start=1):
        y, cache = layer.forward(x)
        dy = rng.standard_normal(y.shape)
        dw_q = self_attention_backward(dy / np.linalg.norm(dy), cache).dw_q
        spread = np.linalg.norm(x - x.mean(axis=1, keepdims=True)) / np.linalg.norm(x)
        rows.append({"depth": depth, "spread": float(spread), "gradient": float(np.linalg.norm(dw_q))})
        x = x + y if residual else y
    return rows


def kept_numbers(layer: SequenceLayer, x: np.ndarray) -> int:
    """How many numbers the forward keeps for the backward, besides the weights and the input."""
    _, cache = layer.forward(x)
    weights = {w.shape for w in vars(layer).values()}
    kept = {id(array): array for array in arrays_by_name(cache).values() if array.shape not in weights}
    return sum(array.size for array in kept.values() if not np.shares_memory(array, x))


def seconds(
    rng: np.random.Generator, layers: dict[str, SequenceLayer], n: int, d: int, turns: int = 7
) -> dict[str, Timing]:
    """Seconds of the forward pass on n tokens of width d in float32, on one thread and by its own clock, in turns."""
    x = rng.standard_normal((1, n, d)).astype(np.float32)
    calls = {name: partial(layer.forward, x) for name, layer in layers.items()}
    with blas_threads(1):
        return time_in_turns(calls, turns, budget_s=0.5, clock=thread_clock())
