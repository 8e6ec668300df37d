"""BERT's masked-language head: from the hidden state of a place to the word that stands, or stood, there.

    t = norm(gelu(hidden W + b))                 (..., C) -> (..., E)
    logits = t E^T + offsets                     (..., V), E the table of the input, one offset for each word

Source: Devlin et al. 2019, section 3.1, task 1; the dense layer before the tied table is in the code published with
it.  With a factorised embedding the dense layer narrows from C to E (Lan et al. 2020, section 3.1).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.embedding import Embedding
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.ops.basics.embedding import TiedLogitsCache
from tfx.ops.basics.linear import LinearCache
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.norms.layer_norm import LayerNormCache
from tfx.params import Layer, Parameter


class MaskedLanguageHeadCache(NamedTuple):
    dense: LinearCache
    activation: Any
    norm: LayerNormCache
    logits: TiedLogitsCache


class MaskedLanguageHead(Layer):
    """Owns dense: Linear(C, E), a LayerNorm and offsets: (V,), and reads `embedding`, which the input owns."""

    def __init__(
        self,
        embedding: Embedding,
        d_model: int,
        rng: np.random.Generator,
        activation: str = "gelu",
        dtype: Any = "float32",
        eps: float = 1e-12,
    ) -> None:
        vocab, width = embedding.table.shape
        self.embedding = embedding
        self.dense = Linear(d_model, width, rng, dtype=dtype)
        self.activation = activation
        self.norm = LayerNorm(width, dtype, eps)
        self.offsets = Parameter(np.zeros(vocab, dtype=dtype))

    def forward(self, hidden: Array) -> tuple[Array, MaskedLanguageHeadCache]:
        """hidden: (..., C) -> logits: (..., V)."""
        activation_forward, _ = ACTIVATIONS[self.activation]
        z, dense = self.dense.forward(hidden)
        a, activation = activation_forward(z)
        t, norm = self.norm.forward(a)
        logits, tied = self.embedding.logits(t)
        return logits + self.offsets.value, MaskedLanguageHeadCache(dense, activation, norm, tied)

    def backward(self, dlogits: Array, cache: MaskedLanguageHeadCache) -> Array:
        """dlogits: (..., V) -> dhidden: (..., C)."""
        _, activation_backward = ACTIVATIONS[self.activation]
        self.offsets.grad += dlogits.reshape(-1, dlogits.shape[-1]).sum(axis=0)  # logits = t E^T + offsets
        dt = self.embedding.logits_backward(dlogits, cache.logits)
        da = self.norm.backward(dt, cache.norm)  # t = norm(a)
        dz = activation_backward(da, cache.activation)
        return self.dense.backward(dz, cache.dense)  # z = hidden W + b
