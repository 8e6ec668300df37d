"""Cases of tfx/tuning/prefix.py: the frozen parameters are checked too, because they pass gradient on."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C, sequences
from tfx.gradcheck.cases.sizes import B, H, Rng, S, T
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.key_value import KeyValue
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.params import Layer
from tfx.tuning.prefix import PrefixedAttention

M = 4


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
    inputs = {"x_q": sequences(rng), "x_kv": sequences(rng, S)}
    return layer_problem(layer, rng, inputs, {"mask": padding_mask([S, 3], S)}, dropout_seed=5)


def prefixed_after_tokens(rng: Rng) -> Problem:
    layer = _AfterTokens(PrefixedAttention(MultiHeadAttention(C, H, rng), M, rng))
    inputs = {"x": sequences(rng)} | {name: rng.standard_normal((B, H, 3, C // H)) for name in ("k", "v")}
    return layer_problem(layer, rng, inputs, {"mask": causal_mask(T, past=3)})


CASES: tuple[Case, ...] = (
    Case(PrefixedAttention, "cross, grouped, padding, dropout", prefixed),
    Case(PrefixedAttention, "self, causal, after tokens", prefixed_after_tokens),
)
