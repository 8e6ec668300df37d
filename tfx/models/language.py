"""The language model that ships: DecoderOnly with W_Q, W_K and W_V without offsets, so that Q = X W_Q and nothing else.

Vaswani et al. 2017, section 3.2, write the maps this way.  Nothing is lost for the keys: an offset there adds the same
number to a whole row of scores, and the softmax ignores it.
"""

from __future__ import annotations

import numpy as np

from tfx.models.decoder import DecoderOnly
from tfx.models.model import buildable
from tfx.models.pronoun import without_offsets
from tfx.models.settings import TextSettings


@buildable
class LanguageModel(DecoderOnly):
    """Settings as in TextSettings."""

    def make(self, settings: TextSettings, rng: np.random.Generator) -> None:
        super().make(settings, rng)
        without_offsets(self.stack.blocks)
