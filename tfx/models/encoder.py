"""Encoder: reads a whole sequence and says something at every place of it.

    x = dropout(embedding(ids) sqrt(C) + positions)        (B, T) -> (B, T, C)
    hidden = blocks(x)                                     every place attends to every other
    logits = hidden W + b, or hidden E^T when tied         (B, T, C) -> (B, T, V)

Sources: Vaswani et al. 2017; as a model of its own: Devlin et al. 2019, "BERT".
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import buildable
from tfx.models.settings import TextSettings
from tfx.models.text_model import TextModel, TextModelCache
from tfx.nn.settings import size
from tfx.ops.attention.masks import Mask, combine_masks, padding_mask, tokens_kept
from tfx.ops.basics.embedding import check_rows_of_ids


@dataclass(frozen=True)
class EncoderSettings(TextSettings):
    """n_outputs: classes per place, the vocabulary unless told (then `tied` must be off)."""

    _: KW_ONLY
    n_outputs: int | None = size(None)


@buildable
class Encoder(TextModel):
    """Settings as in EncoderSettings."""

    settings_type = EncoderSettings

    def make(self, settings: EncoderSettings, rng: np.random.Generator) -> None:
        n_outputs = settings.vocab if settings.n_outputs is None else settings.n_outputs
        self._make(settings, rng, n_outputs, causal=False)

    def forward(
        self, ids: Array, lengths: Array | None = None, mask: Mask = None, rng: Any = None
    ) -> tuple[Array, TextModelCache]:
        """ids: (B, T) integers -> logits: (B, T, V).

        lengths: (B,) real tokens in each row; what stands after them is never attended to.  mask: further blocking,
        boolean, True = may attend, broadcastable to (B, H, T, T).  rng: dropout in training, None in evaluation.
        """
        hidden, cache = self.encode(ids, lengths, mask, rng)
        return self._logits(hidden, cache)

    def encode(
        self, ids: Array, lengths: Array | None = None, mask: Mask = None, rng: Any = None
    ) -> tuple[Array, TextModelCache]:
        """As forward, but -> hidden: (B, T, C), for a head of one's own."""
        check_rows_of_ids(ids)
        xp = xp_of(self.embedding.table.value)
        padding = None if lengths is None else padding_mask(lengths, ids.shape[1], xp, ids.shape[0])
        x, input_cache = self.input.forward(ids, rng)
        hidden, stack_cache = self.stack.forward(x, combine_masks(padding, mask), rng, keep=tokens_kept(padding))
        return hidden, TextModelCache(input_cache, stack_cache, None)
