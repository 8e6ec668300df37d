"""Cases for every layer of tfx.nn: the gradients of its inputs and of each of its parameters.

Small layers are checked element by element; blocks and stacks, which join what was checked already, by random
directions, one for each tensor.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.dropout import Dropout
from tfx.nn.embedding import Embedding
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.feed_forward import FeedForward
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.parallel_block import ParallelBlock
from tfx.nn.positions import Positions
from tfx.nn.stacks import DecoderStack, EncoderStack
from tfx.nn.token_input import TokenInput
from tfx.nn.token_output import TokenOutput
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.params import Layer

Rng = np.random.Generator

B, H, T, S, C, F, V = 2, 3, 5, 7, 6, 11, 8
IDS = np.array([[3, 3, 0, 7, 1], [6, 3, 2, 2, 5]])
DIRECTIONS = 1


class _Logits(Layer):
    """The output side of an embedding, seen as a layer."""

    def __init__(self, embedding: Embedding) -> None:
        self.embedding = embedding

    def forward(self, x: Any) -> tuple[Any, Any]:
        return self.embedding.logits(x)

    def backward(self, dy: Any, cache: Any) -> Any:
        return self.embedding.logits_backward(dy, cache)


def _x(rng: Rng, length: int = T) -> np.ndarray:
    return rng.standard_normal((B, length, C))


def linear(rng: Rng, bias: bool = True) -> Problem:
    return layer_problem(Linear(C, F, rng, bias=bias), rng, {"x": _x(rng)})


def layer_norm(rng: Rng) -> Problem:
    return layer_problem(LayerNorm(C, eps=0.1), rng, {"x": _x(rng)})


def dropout(rng: Rng) -> Problem:
    return layer_problem(Dropout(0.4), rng, {"x": _x(rng)}, dropout_seed=5)


def embedding(rng: Rng) -> Problem:
    return layer_problem(Embedding(V, C, rng), rng, {"ids": IDS})


def logits(rng: Rng) -> Problem:
    return layer_problem(_Logits(Embedding(V, C, rng)), rng, {"x": _x(rng)})


def positions(rng: Rng, kind: str) -> Problem:
    return layer_problem(Positions(kind, S, C, rng), rng, {"x": _x(rng)})


def token_input(rng: Rng, kind: str) -> Problem:
    layer = TokenInput(Embedding(V, C, rng), kind, S, rng, dropout=0.2)
    return layer_problem(layer, rng, {"ids": IDS}, dropout_seed=5)


def token_output(rng: Rng, tied: bool) -> Problem:
    return layer_problem(TokenOutput(Embedding(V, C, rng), V, tied, rng), rng, {"x": _x(rng)})


def self_attention(rng: Rng) -> Problem:
    layer = MultiHeadAttention(C, H, rng)
    return layer_problem(layer, rng, {"x_q": _x(rng)}, {"mask": causal_mask(T)}, sums=True)


def cross_attention(rng: Rng) -> Problem:
    layer = MultiHeadAttention(C, H, rng, dropout=0.2)
    return layer_problem(layer, rng, {"x_q": _x(rng), "x_kv": _x(rng, S)}, {"mask": _padding()}, dropout_seed=5)


def feed_forward(rng: Rng) -> Problem:
    return layer_problem(FeedForward(C, F, rng), rng, {"x": _x(rng)})


def attention_with_everything(rng: Rng) -> Problem:
    """Grouped heads of their own width, other values, a soft cap, dropout of weights and of logits, no offsets."""
    options: Any = {"n_kv_heads": 2, "d_head": 5, "width_k": F, "width_v": V, "soft_cap": 2.0, "logit_dropout": 0.2}
    layer = MultiHeadAttention(C, 4, rng, dropout=0.2, bias=False, **options)
    inputs = {"x_q": _x(rng), "x_kv": rng.standard_normal((B, S, F)), "x_v": rng.standard_normal((B, S, V))}
    return layer_problem(layer, rng, inputs, {"mask": _padding()}, dropout_seed=5)


def encoder_block(rng: Rng, norm: str, **options: Any) -> Problem:
    layer = EncoderBlock(C, H, F, rng, norm=norm, dropout=0.2, **options)
    fixed = {"mask": causal_mask(T)}
    return layer_problem(layer, rng, {"x": _x(rng)}, fixed, dropout_seed=5, directions=DIRECTIONS)


def parallel_block(rng: Rng) -> Problem:
    layer = ParallelBlock(C, H, F, rng, dropout=0.2, drop_path=0.3)
    fixed = {"mask": causal_mask(T)}
    return layer_problem(layer, rng, {"x": _x(rng)}, fixed, dropout_seed=5, directions=DIRECTIONS)


def decoder_block(rng: Rng, norm: str) -> Problem:
    layer = DecoderBlock(C, H, F, rng, norm=norm, dropout=0.2)
    fixed = {"mask": causal_mask(T), "memory_mask": _padding()}
    inputs = {"x": _x(rng), "memory": _x(rng, S)}
    return layer_problem(layer, rng, inputs, fixed, dropout_seed=5, directions=DIRECTIONS)


def encoder_stack(rng: Rng, norm: str, **options: Any) -> Problem:
    layer = EncoderStack(2, C, H, F, rng, norm, **options)
    return layer_problem(layer, rng, {"x": _x(rng)}, directions=DIRECTIONS)


def decoder_stack(rng: Rng, norm: str) -> Problem:
    layer = DecoderStack(2, C, H, F, rng, norm)
    fixed = {"mask": causal_mask(T), "memory_mask": _padding()}
    return layer_problem(layer, rng, {"x": _x(rng), "memory": _x(rng, S)}, fixed, directions=DIRECTIONS)


def _padding() -> np.ndarray:
    return padding_mask([S, 3], S)


CASES: tuple[Case, ...] = (
    Case(Linear, "batch of sequences", linear),
    Case(Linear, "no bias", partial(linear, bias=False)),
    Case(LayerNorm, "random gain and offset", layer_norm),
    Case(Dropout, "training", dropout),
    Case(Embedding, "repeated ids", embedding),
    Case(Embedding, "tied logits", logits),
    Case(Positions, "learned", partial(positions, kind="learned")),
    Case(Positions, "sinusoidal", partial(positions, kind="sinusoidal")),
    Case(TokenInput, "learned positions, dropout", partial(token_input, kind="learned")),
    Case(TokenOutput, "tied", partial(token_output, tied=True)),
    Case(TokenOutput, "its own map", partial(token_output, tied=False)),
    Case(MultiHeadAttention, "self, causal", self_attention),
    Case(MultiHeadAttention, "cross, padding, dropout", cross_attention),
    Case(MultiHeadAttention, "grouped, soft cap, three sources", attention_with_everything),
    Case(FeedForward, "gelu", feed_forward),
    *(
        Case(target, f"{norm}-LN{more}", partial(build, norm=norm))
        for target, build, more in (
            (EncoderBlock, encoder_block, ", causal, dropout"),
            (DecoderBlock, decoder_block, ", padding, dropout"),
            (EncoderStack, encoder_stack, ", two blocks"),
            (DecoderStack, decoder_stack, ", two blocks"),
        )
        for norm in ("pre", "post", "inner")
    ),
    Case(EncoderBlock, "RMSNorm, no offsets", partial(encoder_block, norm="pre", norm_kind="rms_norm", bias=False)),
    Case(EncoderBlock, "stochastic depth", partial(encoder_block, norm="post", drop_path=0.5)),
    Case(ParallelBlock, "causal, dropout, stochastic depth", parallel_block),
    Case(EncoderStack, "one block used twice", partial(encoder_stack, norm="pre", shared=True)),
    Case(EncoderStack, "parallel blocks", partial(encoder_stack, norm="pre", parallel=True)),
    Case(EncoderStack, "post-LN with a final norm", partial(encoder_stack, norm="post", final_norm=True)),
)
