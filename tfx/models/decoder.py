"""DecoderOnly: a language model.  Every place predicts the next token from itself and what came before.

    x = dropout(embedding(ids) sqrt(C) + positions)        (B, T) -> (B, T, C)
    hidden = blocks(x) under the causal mask               place t attends to places 0 .. t
    logits = hidden W + b, or hidden E^T when tied         logits[:, t] are about the token at t + 1

Without a second sequence to read there is no cross-attention, so its block is the encoder's block with a causal mask.
Sources: Liu et al. 2018, "Generating Wikipedia by Summarizing Long Sequences", section 4.2.3; Radford et al. 2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import buildable
from tfx.models.settings import TextSettings
from tfx.models.text_model import TextModel, TextModelCache
from tfx.nn.stacks import Past
from tfx.ops.attention.masks import Mask, causal_mask, combine_masks, left_padding_mask, padding_mask, tokens_kept
from tfx.ops.basics.embedding import check_rows_of_ids


@buildable
class DecoderOnly(TextModel):
    """Settings as in TextSettings."""

    settings_type = TextSettings
    remembers = "keys"

    def make(self, settings: TextSettings, rng: np.random.Generator) -> None:
        self._make(settings, rng, settings.vocab, causal=True)

    @property
    def stores_keys(self) -> bool:
        """Whether it can write token by token, after stored keys and values."""
        return getattr(self.stack, "stores_keys", False)

    def forward(
        self,
        ids: Array,
        lengths: Array | None = None,
        mask: Mask = None,
        rng: Any = None,
        past: Past | None = None,
        left_padding: Array | None = None,
    ) -> tuple[Array, TextModelCache]:
        """ids: (B, T) integers -> logits: (B, T, V).

        Always causal; lengths (B,) and mask block further.  rng: dropout in training, None in evaluation.
        past: stored keys and values of M tokens before, from cache.stack.present; then lengths count those too, and
        mask is broadcastable to (B, H, T, M + T).
        left_padding: (B,) tokens of filling in front of each row's text, so that all rows end together; never attended
        to, and not counted as places.
        """
        hidden, cache = self.encode(ids, lengths, mask, rng, past, left_padding)
        return self._logits(hidden, cache)

    def encode(
        self,
        ids: Array,
        lengths: Array | None = None,
        mask: Mask = None,
        rng: Any = None,
        past: Past | None = None,
        left_padding: Array | None = None,
    ) -> tuple[Array, TextModelCache]:
        """As forward, but -> hidden: (B, T, C), for a head of one's own."""
        check_rows_of_ids(ids)
        length, xp = ids.shape[-1], xp_of(self.embedding.table.value)
        m, start = (past[0].length, past[0].seen) if past else (0, 0)
        padding = None if lengths is None else padding_mask(lengths, m + length, xp, ids.shape[0])
        filling = None
        if left_padding is not None:
            dropped = start - m  # places whose keys and values are no longer stored
            filling = left_padding_mask(left_padding - dropped, m + length, xp, ids.shape[0])
        x, input_cache = self.input.forward(ids, rng, start if left_padding is None else start - left_padding)
        causal = None if length == 1 else causal_mask(length, past=m, xp=xp)  # the newest token alone may see all
        allowed = combine_masks(causal, padding, filling, mask)
        keep = tokens_kept(combine_masks(padding, filling), length)
        hidden, stack_cache = self.stack.forward(x, allowed, rng, past, keep)
        return hidden, TextModelCache(input_cache, stack_cache, None)
