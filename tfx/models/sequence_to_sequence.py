"""SequenceToSequence: a model that reads one sequence and writes another, the source once and the target in its light.

memory, source = encode(src)                 (B, S) -> (B, S, C)
logits = decode(tgt, memory, source)         (B, T) -> (B, T, V), about the target token at t + 1
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from tfx.backend import Array
from tfx.models.model import Model


class SequenceToSequence(Model, ABC):
    """A model says how it encodes and decodes."""

    @abstractmethod
    def encode(self, src: Array, src_lengths: Array | None = None, rng: Any = None) -> tuple[Array, Any]:
        """src: (B, S) -> memory: (B, S, C)."""

    @abstractmethod
    def decode(self, tgt: Array, memory: Array, source: Any, *further: Any, **named: Any) -> tuple[Array, Any]:
        """tgt: (B, T), memory: (B, S, C) and its cache, src_lengths, tgt_lengths, rng -> logits: (B, T, V)."""

    def forward(
        self,
        src: Array,
        tgt: Array,
        src_lengths: Array | None = None,
        tgt_lengths: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Any]:
        """src: (B, S), tgt: (B, T) integers -> logits: (B, T, V).

        Teacher forcing: tgt is what the decoder may read, start token first, last token left out.  lengths: (B,), what
        stands after them is never attended to.  rng: dropout in training, None in evaluation.
        """
        memory, source = self.encode(src, src_lengths, rng)
        return self.decode(tgt, memory, source, src_lengths, tgt_lengths, rng)
