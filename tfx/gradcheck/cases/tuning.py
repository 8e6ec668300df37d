"""Parameter-efficient tuning: low-rank updates, adapters, prefixes, prompts, a head on fixed features.

Blocks and stacks are checked with the new parameters in them, and the old ones along with these: what is frozen passes
its gradient on, so one test sees both what flows through and what arrives.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.models.encoder import Encoder
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.feed_forward import FeedForward
from tfx.nn.linear import Linear
from tfx.nn.stacks import EncoderStack
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.multi_head import KeyValue
from tfx.ops.low_rank.lora_linear import LoraLinearCache, LoraLinearGrads, lora_linear_backward, lora_linear_forward
from tfx.ops.low_rank.low_rank_update import (
    LowRankUpdateCache,
    LowRankUpdateGrads,
    low_rank_update_backward,
    low_rank_update_forward,
)
from tfx.params import Layer
from tfx.tuning.adapter import Adapted, Adapter, add_adapters
from tfx.tuning.features import OnFeatures
from tfx.tuning.lora import add_lora
from tfx.tuning.prefix import PrefixedAttention, add_prefixes
from tfx.tuning.prompt import PromptedStack

Rng = np.random.Generator

B, H, T, S, C, F, R, M, V = 2, 3, 5, 7, 6, 11, 2, 4, 8
IDS = np.array([[3, 3, 0, 7, 1], [6, 3, 2, 2, 5]])


def low_rank_update(rng: Rng) -> Problem:
    inputs = {"w": rng.standard_normal((C, F)), "a": rng.standard_normal((C, R)), "b": rng.standard_normal((R, F))}
    return Problem(low_rank_update_forward, low_rank_update_backward, inputs, {"scale": 1.7})


def lora_linear(rng: Rng, bias: bool = True) -> Problem:
    made = low_rank_update(rng).inputs
    fixed = {"w": made["w"], "bias": rng.standard_normal(F) if bias else None, "scale": 1.7}
    return Problem(lora_linear_forward, lora_linear_backward, {"x": _x(rng), "a": made["a"], "b": made["b"]}, fixed)


def linear_with_update(rng: Rng) -> Problem:
    layer = Linear(C, F, rng, dtype="float64")
    add_lora(layer, R, rng, alpha=3.0, chosen=_every)
    return layer_problem(layer, rng, {"x": _x(rng)})


def block_with_updates(rng: Rng, activation: str) -> Problem:
    layer = EncoderBlock(C, H, F, rng, activation=activation, dtype="float64")
    add_lora(layer, R, rng, alpha=3.0, chosen=_every)
    return layer_problem(layer, rng, {"x": _x(rng)}, {"mask": causal_mask(T)}, directions=1)


def adapter(rng: Rng, activation: str) -> Problem:
    return layer_problem(Adapter(C, M, rng, activation), rng, {"f": _x(rng)})


def adapted(rng: Rng) -> Problem:
    layer = Adapted(FeedForward(C, F, rng), Adapter(C, M, rng))
    return layer_problem(layer, rng, {"x": _x(rng)})


def decoder_block_with_adapters(rng: Rng) -> Problem:
    layer = DecoderBlock(C, H, F, rng, dropout=0.2)
    add_adapters(layer, M, rng)
    fixed = {"mask": causal_mask(T), "memory_mask": padding_mask([S, 3], S)}
    inputs = {"x": _x(rng), "memory": _x(rng, S)}
    return layer_problem(layer, rng, inputs, fixed, dropout_seed=5, directions=1)


class _AfterTokens(Layer):
    """Self-attention with a prefix that goes on from tokens before, whose keys and values are inputs."""

    def __init__(self, layer: PrefixedAttention) -> None:
        self.layer = layer

    def forward(self, x: Any, k: Any, v: Any, mask: Any) -> tuple[Any, Any]:
        return self.layer.forward(x, mask=mask, past=KeyValue(k, v))

    def backward(self, dy: Any, cache: Any) -> tuple[Any, Any, Any]:
        grads = self.layer.backward(dy, cache)
        assert grads.dpast is not None
        return grads.dx, grads.dpast.k, grads.dpast.v


def prefixed(rng: Rng) -> Problem:
    layer = PrefixedAttention(MultiHeadAttention(C, H, rng, n_kv_heads=1, dropout=0.2), M, rng)
    inputs = {"x_q": _x(rng), "x_kv": _x(rng, S)}
    return layer_problem(layer, rng, inputs, {"mask": padding_mask([S, 3], S)}, dropout_seed=5)


def prefixed_after_tokens(rng: Rng) -> Problem:
    layer = _AfterTokens(PrefixedAttention(MultiHeadAttention(C, H, rng), M, rng))
    inputs = {"x": _x(rng)} | {name: rng.standard_normal((B, H, 3, C // H)) for name in ("k", "v")}
    return layer_problem(layer, rng, inputs, {"mask": causal_mask(T, past=3)})


def stack_with_prefixes(rng: Rng) -> Problem:
    layer = EncoderStack(2, C, H, F, rng, "post", dropout=0.2)
    add_prefixes(layer, M, rng)
    return layer_problem(layer, rng, {"x": _x(rng)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1)


def prompted_stack(rng: Rng, causal: bool) -> Problem:
    layer = PromptedStack(EncoderStack(2, C, H, F, rng, "pre"), rng.standard_normal((M, C)), causal)
    mask = causal_mask(T) if causal else padding_mask([T, 3], T)
    return layer_problem(layer, rng, {"x": _x(rng)}, {"mask": mask}, directions=1)


def on_features(rng: Rng) -> Problem:
    model = Encoder(V, C, H, F, 1, dtype="float64")
    return layer_problem(OnFeatures(model, C, 3, rng), rng, {"ids": IDS}, {"lengths": np.array([5, 3])})


def _every(name: str) -> bool:
    return True


def _x(rng: Rng, length: int = T) -> np.ndarray:
    return rng.standard_normal((B, length, C))


def update_unscaled(dupdated: Any, cache: LowRankUpdateCache) -> LowRankUpdateGrads:
    return low_rank_update_backward(dupdated, cache._replace(scale=1.0))


def update_read_once(dy: Any, cache: LoraLinearCache) -> LoraLinearGrads:
    """dx by way of the frozen matrix only."""
    return lora_linear_backward(dy, cache)._replace(dx=dy @ cache.w.T)


CASES: tuple[Case, ...] = (
    Case(low_rank_update_backward, "rank 2", low_rank_update),
    Case(lora_linear_backward, "rank 2, offset", lora_linear),
    Case(lora_linear_backward, "rank 2", partial(lora_linear, bias=False)),
    Case(Linear, "low-rank update", linear_with_update),
    Case(EncoderBlock, "low-rank updates of all maps", partial(block_with_updates, activation="swiglu")),
    *(Case(Adapter, activation, partial(adapter, activation=activation)) for activation in ("gelu", "swiglu")),
    Case(Adapted, "feed-forward network", adapted),
    Case(DecoderBlock, "adapters, dropout", decoder_block_with_adapters),
    Case(PrefixedAttention, "cross, grouped, padding, dropout", prefixed),
    Case(PrefixedAttention, "self, causal, after tokens", prefixed_after_tokens),
    Case(EncoderStack, "prefixes in both blocks", stack_with_prefixes),
    Case(PromptedStack, "causal", partial(prompted_stack, causal=True)),
    Case(PromptedStack, "padding", partial(prompted_stack, causal=False)),
    Case(OnFeatures, "the gradient stops at the features", on_features),
)

CONTROLS: tuple[Control, ...] = (
    Control("low_rank_update", "the scale is forgotten", update_unscaled, low_rank_update),
    Control("lora_linear", "x is counted once, but read twice", update_read_once, lora_linear),
)
