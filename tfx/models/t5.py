"""T5: an encoder-decoder that reads text and writes text, trained by span corruption (data/span_corruption.py).

Against the Transformer of 2017:

    norms       in front of each sub-layer and after each stack, without mean and offset (RMSNorm); no offset anywhere
    positions   a learned number for each head and bucket of distances, added to the scores; one table for the encoder,
                one for the decoder, shared by all of its blocks; nothing is added to the embeddings
    scores      without the factor 1 / sqrt(D): the maps start smaller instead
    output      hidden / sqrt(C) times the embedding, when tied

Version 1.1, and so Flan-T5 and mT5, has a gated feed-forward network whose gate is the tanh form of GELU (activation
"geglu_tanh"; the exact GELU, "geglu", gives other numbers) and an output of its own (tied=False).
It is EncoderDecoder with these settings; forward, backward, encode and decode are its own.
Sources: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
section 2.1; version 1.1: Shazeer 2020, "GLU Variants Improve Transformer".
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

import numpy as np

from tfx.models.model import buildable
from tfx.models.seq2seq import EncoderDecoder, EncoderDecoderSettings
from tfx.nn.position_scheme import read_positions
from tfx.nn.settings import size


@dataclass(frozen=True)
class T5Settings(EncoderDecoderSettings):
    """d_head: D, d_model / n_heads unless told.  The scale of the scores and of the output follow from the rest."""

    _: KW_ONLY
    d_head: int | None = size(None)
    positions: Any = field(default="relative", metadata={"read": read_positions})
    norm: str = "rms_norm"
    eps: float = 1e-6
    activation: str = "relu"
    bias: bool = False
    scaled_embedding: bool = False

    def complete(self) -> None:
        super().complete()
        d_head = self.attention.d_head if self.d_head is None else self.d_head
        object.__setattr__(self, "d_head", d_head)
        object.__setattr__(self, "attention", replace(self.attention, scale=1.0, d_head=d_head))
        object.__setattr__(self, "output_scale", 1.0 / math.sqrt(self.d_model) if self.tied else 1.0)


@buildable
class T5(EncoderDecoder):
    """Settings as in T5Settings."""

    settings_type = T5Settings

    def make(self, settings: EncoderDecoderSettings, rng: np.random.Generator) -> None:
        super().make(settings, rng)
        _, d_head = settings.attention.heads(settings.d_model, settings.n_heads)
        for name, parameter in self.parameters().items():
            if name.endswith("query.w"):
                parameter.value *= 1.0 / math.sqrt(d_head)  # instead of the factor on the scores


def t5_parameter_count(
    vocab: int, d_model: int, n_heads: int, d_ff: int, n_layers: int, d_head: int, n_buckets: int = 32
) -> int:
    """How many numbers a tied T5 with ReLU owns, from its sizes alone: 60,506,624 for T5-small."""
    attention = 4 * d_model * n_heads * d_head
    feed_forward = 2 * d_model * d_ff
    encoder = n_layers * (attention + feed_forward + 2 * d_model)
    decoder = n_layers * (2 * attention + feed_forward + 3 * d_model)
    return vocab * d_model + encoder + decoder + 2 * (d_model + n_buckets * n_heads)


#: T5-small, for t5_parameter_count.
T5_SMALL = {"vocab": 32128, "d_model": 512, "n_heads": 8, "d_ff": 2048, "n_layers": 6, "d_head": 64}
