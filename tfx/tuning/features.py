"""Feature-based transfer: the trained model reads, and a new head learns from what it says.

    features = encode(ids)                       constants: no gradient flows into the model
    logits = features W + b                      learnt

Cheapest of all to train: no backward through the model, and features that were computed once can be kept.  It can
only use what the model already makes linear; fine-tuning can change what it makes.
Source: Peters et al. 2018, "Deep Contextualized Word Representations" (ELMo); compared: Devlin et al. 2019, "BERT",
section 5.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.linear import Linear
from tfx.ops.basics.linear import LinearCache
from tfx.params import Buffer, Layer, Parameter


class OnFeatures(Layer):
    """Reads `model`, which needs encode(ids, lengths) -> hidden, cache, and owns head: Linear(C, V).

    The gradient stops at the features, so the parameters are those of the head alone.
    Raises TypeError for a model without encode.
    """

    def __init__(
        self, model: Any, width: int, n_outputs: int, rng: np.random.Generator, dtype: Any = "float32"
    ) -> None:
        if not callable(getattr(model, "encode", None)):
            raise TypeError(f"features come from a model with encode, and {type(model).__name__} has none")
        self.model = model
        self.head = Linear(width, n_outputs, rng, dtype=dtype)

    def parameters(self) -> dict[str, Parameter]:
        """Those of the head."""
        return {f"head.{name}": parameter for name, parameter in self.head.parameters().items()}

    def buffers(self) -> dict[str, Buffer]:
        """None: the model does not change."""
        return {}

    def forward(self, ids: Array, lengths: Array | None = None, rng: Any = None) -> tuple[Array, LinearCache]:
        """ids: (B, T) integers -> logits: (B, T, V).  The model reads without dropout, so features can be kept."""
        hidden, _ = self.model.encode(ids, lengths)
        return self.head.forward(hidden)

    def backward(self, dlogits: Array, cache: LinearCache) -> None:
        """dlogits: (B, T, V).  Adds to the gradient of the head; nothing goes further."""
        self.head.backward(dlogits, cache)  # hidden is a constant
