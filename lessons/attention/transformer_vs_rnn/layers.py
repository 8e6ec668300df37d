"""The two layers under comparison, with one call shape, and the measurements made on both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tfx.ops.attention.self_attention import SelfAttentionCache, self_attention_backward, self_attention_forward
from tfx.ops.recurrence.rnn import RnnCache, rnn_backward, rnn_forward


class Layer(Protocol):
    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]: ...

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray: ...


@dataclass(frozen=True)
class RnnLayer:
    """h_t = tanh(x_t W_x + h_{t-1} W_h), from a zero state; (B, T, C) -> (B, T, C)."""

    w_x: np.ndarray
    w_h: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, d: int, radius: float) -> RnnLayer:
        """Random weights; W_h is stretched so that its largest eigenvalue has size `radius`."""
        w_h = rng.standard_normal((d, d)) / math.sqrt(d)
        w_h *= radius / np.abs(np.linalg.eigvals(w_h)).max()
        return cls(rng.standard_normal((d, d)) / math.sqrt(d), w_h)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, RnnCache]:
        w_x, w_h = self.w_x.astype(x.dtype), self.w_h.astype(x.dtype)
        zero = np.zeros((x.shape[0], w_h.shape[0]), dtype=x.dtype)
        return rnn_forward(x, zero, w_x, w_h, zero[0])

    def backward(self, dy: np.ndarray, cache: RnnCache) -> np.ndarray:
        return rnn_backward(dy, cache).dx


@dataclass(frozen=True)
class AttentionLayer:
    """One head of self-attention without positions; (B, T, C) -> (B, T, C)."""

    w_q: np.ndarray
    w_k: np.ndarray
    w_v: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, d: int) -> AttentionLayer:
        return cls(*(rng.standard_normal((d, d)) / math.sqrt(d) for _ in range(3)))

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, SelfAttentionCache]:
        return self_attention_forward(x, *(w.astype(x.dtype) for w in (self.w_q, self.w_k, self.w_v)))

    def backward(self, dy: np.ndarray, cache: SelfAttentionCache) -> np.ndarray:
        return self_attention_backward(dy, cache).dx


def gradient_by_distance(layer: Layer, x: np.ndarray, directions: int = 8) -> np.ndarray:
    """(T,) sizes: entry k is the length of d(u . last output)/d(input k steps before the last), averaged over
    a few random unit vectors u."""
    rng = np.random.default_rng(0)
    y, cache = layer.forward(x)
    total = np.zeros(x.shape[1])
    for _ in range(directions):
        dy = np.zeros_like(y)
        u = rng.standard_normal(y.shape[-1])
        dy[0, -1] = u / np.linalg.norm(u)
        dx = layer.backward(dy, cache)
        total += np.sqrt((dx[0] * dx[0]).sum(axis=-1))[::-1]
    return total / directions
