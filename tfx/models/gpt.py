"""GPT: a decoder-only Transformer trained to predict the next token, as OpenAI published it.

    x = dropout(E[ids] + P[places])              bare embeddings, learned places
    x = x + attention(norm(x)), x + ffn(norm(x))   causal, GELU in its tanh form       L times
    logits = norm(x) E^T                          the embedding once more

GPT-2 differs from GPT-1 in where the norms stand: in front of each sub-layer and once after the last block.  Weights
start normal with 0.02, and the last map of every sub-layer smaller by 1 / sqrt(2L), because 2L outputs are added up.
It is DecoderOnly with these settings; the file exists so that the settings have a name and a proof.
Sources: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 4.1; Radford et al.
2019, "Language Models are Unsupervised Multitask Learners", section 2.3.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from tfx.models.decoder import DecoderOnly
from tfx.models.model import buildable
from tfx.models.settings import TextSettings
from tfx.nn.init import Initialisation, normal, scaled_residual
from tfx.nn.position_scheme import read_positions
from tfx.nn.settings import size

_START = "normal"
_LAST_MAPS = ("attention.output.w", "feed_forward.second.w")


@dataclass(frozen=True)
class GPTSettings(TextSettings):
    """d_ff: 4 d_model unless told."""

    d_ff: int = size(None)
    _: KW_ONLY
    positions: Any = field(default="learned", metadata={"read": read_positions})
    activation: str = "gelu_tanh"
    scaled_embedding: bool = False

    def complete(self) -> None:
        super().complete()
        if self.d_ff is None:
            object.__setattr__(self, "d_ff", 4 * self.d_model)


@buildable
class GPT(DecoderOnly):
    """Settings as in GPTSettings; forward and backward as in DecoderOnly."""

    settings_type = GPTSettings

    def make(self, settings: TextSettings, rng: np.random.Generator) -> None:
        super().make(settings, rng)
        rng = np.random.default_rng(settings.seed)
        last = scaled_residual(max(settings.n_layers, 1), _START)
        for name, parameter in self.parameters().items():
            if parameter.value.ndim == 2:
                draw: Initialisation = last if name.endswith(_LAST_MAPS) else normal
                rows, columns = parameter.shape
                parameter.value = draw(rng, rows, columns, parameter.value.dtype)


def gpt_parameter_count(vocab: int, d_model: int, n_layers: int, max_len: int, d_ff: int | None = None) -> int:
    """How many numbers a GPT owns, from its sizes alone: 124,439,808 for the smallest GPT-2.  Heads change no count."""
    d_ff = 4 * d_model if d_ff is None else d_ff
    attention = 4 * (d_model * d_model + d_model)
    feed_forward = d_model * d_ff + d_ff + d_ff * d_model + d_model
    norms = 2 * 2 * d_model
    return (vocab + max_len) * d_model + n_layers * (attention + feed_forward + norms) + 2 * d_model


#: The smallest GPT-2, for gpt_parameter_count.
GPT2_SMALL = {"vocab": 50257, "d_model": 768, "n_layers": 12, "max_len": 1024}
