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

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx.models.decoder import DecoderOnly
from tfx.nn.init import Initialisation, normal, scaled_residual

_START = "normal"
_LAST_MAPS = ("attention.output.w", "feed_forward.second.w")


class GPT(DecoderOnly):
    """d_ff: 4 d_model unless told.  Other settings, forward and backward as in DecoderOnly."""

    def __init__(
        self,
        vocab: int,
        d_model: int = 64,
        n_heads: int = 4,
        d_ff: int | None = None,
        n_layers: int = 2,
        max_len: int = 128,
        dropout: float = 0.0,
        seed: int = 0,
        dtype: str = "float32",
        attention: Mapping[str, Any] | None = None,
    ) -> None:
        arguments = dict(locals())
        super().__init__(
            vocab,
            d_model,
            n_heads,
            4 * d_model if d_ff is None else d_ff,
            n_layers,
            max_len,
            positions="learned",
            activation="gelu_tanh",
            dropout=dropout,
            seed=seed,
            dtype=dtype,
            scaled_embedding=False,
            attention=attention,
        )
        self._remember(arguments)
        rng = np.random.default_rng(seed)
        last = scaled_residual(max(n_layers, 1), _START)
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
