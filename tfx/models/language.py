"""The language model that ships: DecoderOnly with W_Q, W_K and W_V without offsets, so that Q = X W_Q and nothing else.

Vaswani et al. 2017, section 3.2, write the maps this way.  Nothing is lost for the keys: an offset there adds the same
number to a whole row of scores, and the softmax ignores it.
"""

from __future__ import annotations

from typing import Any

from tfx.models.decoder import DecoderOnly
from tfx.models.pronoun import without_offsets


class LanguageModel(DecoderOnly):
    """Settings as in DecoderOnly, given by name."""

    def __init__(self, vocab: int, **settings: Any) -> None:
        super().__init__(vocab, **settings)
        without_offsets(self.stack.blocks)
