"""Words as waves: embedding and position in one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.ops.positions.complex_embedding import (
    ComplexEmbeddingCache,
    complex_embedding_backward,
    complex_embedding_forward,
)
from tfx.ops.positions.sinusoids import angular_speeds
from tfx.params import Layer, Parameter


class ComplexEmbedding(Layer):
    """Owns amplitude, frequency and phase: (V, C / 2), and gives vectors of width C that know their positions.

    The amplitudes start normal, the phases anywhere on the circle, and every word with the frequencies of the
    sinusoidal positions.  Raises ValueError for an odd width.
    """

    def __init__(self, vocab: int, width: int, rng: np.random.Generator, dtype: Any = "float32") -> None:
        if width % 2:
            raise ValueError(f"width {width} cannot be shared out evenly between real and imaginary parts")
        shape = (vocab, width // 2)
        self.amplitude = Parameter(rng.standard_normal(shape).astype(dtype))
        self.frequency = Parameter(np.broadcast_to(angular_speeds(width), shape).astype(dtype))
        self.phase = Parameter(rng.uniform(0.0, 2.0 * math.pi, shape).astype(dtype))

    def forward(self, ids: Array, start: int = 0) -> tuple[Array, ComplexEmbeddingCache]:
        """ids: (..., T) integers -> y: (..., T, C).  start: the position of the first token."""
        return complex_embedding_forward(ids, self.amplitude.value, self.frequency.value, self.phase.value, start)

    def backward(self, dy: Array, cache: ComplexEmbeddingCache) -> None:
        """dy: (..., T, C).  Ids have no gradient, so nothing is returned."""
        grads = complex_embedding_backward(dy, cache)
        self.amplitude.grad += grads.damplitude
        self.frequency.grad += grads.dfrequency
        self.phase.grad += grads.dphase
