"""Cases for whole models: one random direction for each parameter tensor, so that one number sees all of it.

One layer is enough here: two on top of each other are checked as nn.EncoderStack and nn.DecoderStack.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.models.decoder import DecoderOnly
from tfx.models.encoder import Encoder
from tfx.models.gpt import GPT
from tfx.models.language import LanguageModel
from tfx.models.pronoun import PronounModel
from tfx.models.seq2seq import EncoderDecoder
from tfx.models.t5 import T5
from tfx.nn.encoder_block import EncoderBlock
from tfx.params import Layer

Rng = np.random.Generator

B, T, S, V = 2, 5, 7, 8
SIZES: dict[str, Any] = {
    "d_model": 6,
    "n_heads": 3,
    "d_ff": 11,
    "n_layers": 1,
    "max_len": 9,
    "dropout": 0.2,
    "activation": "gelu_tanh",
}
IDS = np.array([[3, 3, 0, 7, 1], [6, 3, 2, 2, 5]])
SOURCE = np.array([[1, 1, 4, 0, 7, 2, 1], [5, 4, 4, 6, 3, 0, 0]])
IT = np.array([4, 2])


class _WithWeights(Layer):
    """Shows the weights of the last attention next to the output, as a loss that reads both would see them."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def forward(self, **inputs: Any) -> tuple[Any, Any]:
        y, cache = self.layer.forward(**inputs)
        attention = cache.attention(1) if isinstance(self.layer, PronounModel) else cache.attention.attention
        weights = attention.weights  # (B, H, T, T)
        return xp_of(y).concatenate((y.reshape(-1), weights.reshape(-1))), (cache, y.shape, weights.shape)

    def backward(self, dy: Any, cache: Any) -> Any:
        inner, shape, weights_shape = cache
        n = int(np.prod(shape))
        dweights = dy[n:].reshape(weights_shape)
        return self.layer.backward(dy[:n].reshape(shape), inner, dweights)


def encoder(rng: Rng, **settings: Any) -> Problem:
    fixed = {"lengths": np.array([5, 3])}
    return layer_problem(Encoder(V, **{**SIZES, **settings}), rng, {"ids": IDS}, fixed, dropout_seed=5, directions=1)


def decoder_only(rng: Rng, **settings: Any) -> Problem:
    return layer_problem(DecoderOnly(V, **{**SIZES, **settings}), rng, {"ids": IDS}, dropout_seed=5, directions=1)


def language_model(rng: Rng) -> Problem:
    return layer_problem(LanguageModel(V, **SIZES), rng, {"ids": IDS}, dropout_seed=5, directions=1)


def encoder_decoder(rng: Rng, **settings: Any) -> Problem:
    fixed = {"src_lengths": np.array([7, 4]), "tgt_lengths": np.array([5, 3])}
    model = EncoderDecoder(V, **{**SIZES, **settings})
    return layer_problem(model, rng, {"src": SOURCE, "tgt": IDS}, fixed, dropout_seed=5, directions=1)


def gpt(rng: Rng) -> Problem:
    return layer_problem(GPT(V, 6, 3, 11, 2, 9, dropout=0.2), rng, {"ids": IDS}, dropout_seed=5, directions=1)


def t5(rng: Rng, **settings: Any) -> Problem:
    fixed = {"src_lengths": np.array([7, 4]), "tgt_lengths": np.array([5, 3])}
    model = T5(V, 6, 3, 11, 2, 4, dropout=0.2, **settings)
    model.embedding.table.value *= 6.0  # RMSNorm bends too sharply near 0 for numeric derivatives
    return layer_problem(model, rng, {"src": SOURCE, "tgt": IDS}, fixed, dropout_seed=5, directions=1)


def block_with_weights(rng: Rng, norm: str) -> Problem:
    layer = _WithWeights(EncoderBlock(6, 3, 11, rng, norm))
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))}, directions=1)


def pronoun_model(rng: Rng) -> Problem:
    model = _WithWeights(PronounModel(V, d_model=6, n_heads=3, d_ff=11, activation="gelu_tanh"))
    return layer_problem(model, rng, {"ids": IDS}, {"it": IT, "lengths": np.array([5, 4])}, directions=1)


CASES: tuple[Case, ...] = (
    Case(Encoder, "pre-LN, tied, padding, dropout", encoder),
    Case(
        Encoder,
        "post-LN, learned positions, own output",
        partial(encoder, norm="post", positions="learned", tied=False),
    ),
    Case(DecoderOnly, "pre-LN, tied, dropout", decoder_only),
    Case(
        DecoderOnly,
        "post-LN, no positions",
        partial(decoder_only, norm="post", positions="none"),
    ),
    *(
        Case(model, f"{positions} positions", partial(build, positions=positions))
        for model, build in ((Encoder, encoder), (DecoderOnly, decoder_only), (EncoderDecoder, encoder_decoder))
        for positions in ("rotary", "alibi", "sandwich", "relative")
    ),
    Case(
        DecoderOnly,
        "grouped queries, RMSNorm, SwiGLU, parallel, shared",
        partial(
            decoder_only,
            n_layers=2,
            attention={"n_kv_heads": 1},
            norm_kind="rms_norm",
            bias=False,
            activation="swiglu",
            parallel=True,
            shared=True,
            positions="rotary",
        ),
    ),
    Case(GPT, "dropout", gpt),
    Case(T5, "tied, ReLU replaced by GELU", partial(t5, activation="gelu_tanh")),
    Case(T5, "version 1.1: gated, own output", partial(t5, activation="geglu", tied=False)),
    Case(LanguageModel, "maps without offsets", language_model),
    Case(EncoderDecoder, "pre-LN, tied, padding, dropout", encoder_decoder),
    Case(
        EncoderDecoder,
        "post-LN, learned positions, own output",
        partial(encoder_decoder, norm="post", positions="learned", tied=False),
    ),
    Case(EncoderBlock, "pre-LN, loss on the weights too", partial(block_with_weights, norm="pre")),
    Case(EncoderBlock, "post-LN, loss on the weights too", partial(block_with_weights, norm="post")),
    Case(PronounModel, "loss on the weights too", pronoun_model),
)
