"""Cases of tfx/nn/encoder_block.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.joined import apart, join
from tfx.gradcheck.cases.nn.sizes import DIRECTIONS, WIDE, C, sequences
from tfx.gradcheck.cases.sizes import B, F, H, Rng, T
from tfx.nn.attention_settings import AttentionSettings
from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.expert_settings import ExpertSettings
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.params import Layer
from tfx.tuning.lora import add_lora

R = 2


def block_with_kernel(rng: Rng, method: Any) -> Problem:
    layer = EncoderBlock(BlockSettings(WIDE, H, F, attention=AttentionSettings.read({"kernel": method})), rng)
    fixed = {"mask": padding_mask([T, 3], T)}
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, WIDE))}, fixed, directions=1)


def block_of_experts(rng: Rng) -> Problem:
    """The auxiliary loss is left out: a block's output does not show it."""
    layer = EncoderBlock(BlockSettings(6, 3, F, experts=ExpertSettings(n=4, k=2, losses={})), rng)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))}, directions=1)


def encoder_block(rng: Rng, norm_place: str, **options: Any) -> Problem:
    layer = EncoderBlock(BlockSettings(C, H, F, norm_place=norm_place, dropout=0.2, **options), rng)
    fixed = {"mask": causal_mask(T)}
    return layer_problem(layer, rng, {"x": sequences(rng)}, fixed, dropout_seed=5, directions=DIRECTIONS)


class WithWeights(Layer):
    """Shows the weights of the last attention next to the output, as a loss that reads both would see them."""

    def __init__(self, layer: Any, attention_of: Callable[[Any], Any]) -> None:
        self.layer = layer
        self.attention_of = attention_of

    def forward(self, **inputs: Any) -> tuple[Any, Any]:
        y, cache = self.layer.forward(**inputs)
        weights = self.attention_of(cache).weights  # (B, H, T, T)
        return join(y, weights), (cache, y.shape, weights.shape)

    def backward(self, dy: Any, cache: Any) -> Any:
        inner, *shapes = cache
        dout, dweights = apart(dy, shapes)
        return self.layer.backward(dout, inner, dweights)


def block_with_weights(rng: Rng, norm_place: str) -> Problem:
    layer = WithWeights(
        EncoderBlock(BlockSettings(6, 3, 11, norm_place=norm_place), rng), lambda cache: cache.attention.attention
    )
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))}, directions=1)


def block_with_updates(rng: Rng, activation: str) -> Problem:
    layer = EncoderBlock(BlockSettings(C, H, F, activation=activation, dtype="float64"), rng)
    add_lora(layer, R, rng, alpha=3.0, chosen=lambda name: True)
    return layer_problem(layer, rng, {"x": sequences(rng)}, {"mask": causal_mask(T)}, directions=1)


CASES: tuple[Case, ...] = (
    Case(EncoderBlock, "Fourier mixing", lambda rng: block_with_kernel(rng, "fourier")),
    Case(EncoderBlock, "Nystrom", lambda rng: block_with_kernel(rng, {"name": "nystrom", "n_landmarks": 2})),
    Case(EncoderBlock, "a mixture of experts", block_of_experts),
    *(
        Case(EncoderBlock, f"{norm}-LN, causal, dropout", partial(encoder_block, norm_place=norm))
        for norm in ("pre", "post", "inner")
    ),
    Case(EncoderBlock, "RMSNorm, no offsets", partial(encoder_block, norm_place="pre", norm="rms_norm", bias=False)),
    Case(EncoderBlock, "stochastic depth", partial(encoder_block, norm_place="post", drop_path=0.5)),
    Case(EncoderBlock, "pre-LN, loss on the weights too", partial(block_with_weights, norm_place="pre")),
    Case(EncoderBlock, "post-LN, loss on the weights too", partial(block_with_weights, norm_place="post")),
    Case(EncoderBlock, "low-rank updates of all maps", partial(block_with_updates, activation="swiglu")),
)
