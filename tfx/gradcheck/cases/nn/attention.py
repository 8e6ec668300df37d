"""Cases of tfx/nn/attention.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import WIDE, C, sequences
from tfx.gradcheck.cases.sizes import B, D, F, H, Rng, S, T, V
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.masks import causal_mask, padding_mask


def attention_with_head_dropout(rng: Rng) -> Problem:
    layer = MultiHeadAttention(6, H, rng, dropout=0.2, head_dropout=0.3)
    return layer_problem(layer, rng, {"x_q": rng.standard_normal((B, T, 6))}, dropout_seed=5, sums=True)


def attention_with_kernel(rng: Rng, method: Any) -> Problem:
    layer = MultiHeadAttention(WIDE, H, rng, kernel=method)
    fixed = {"mask": causal_mask(T)}
    return layer_problem(layer, rng, {"x_q": rng.standard_normal((B, T, WIDE))}, fixed, sums=True, directions=1)


def multi_head_with_kernel(rng: Rng) -> Problem:
    """Grouped heads, so that the gradients of shared keys are summed behind the kernel too."""
    kernel = {"name": "tiled", "block_q": 2, "block_k": 3, "causal": True}
    layer = MultiHeadAttention(WIDE, 4, rng, kernel=kernel, n_kv_heads=2, d_head=D)
    return layer_problem(layer, rng, {"x_q": rng.standard_normal((B, T, WIDE))}, {"mask": causal_mask(T)}, sums=True)


def self_attention(rng: Rng) -> Problem:
    layer = MultiHeadAttention(C, H, rng)
    return layer_problem(layer, rng, {"x_q": sequences(rng)}, {"mask": causal_mask(T)}, sums=True)


def cross_attention(rng: Rng) -> Problem:
    layer = MultiHeadAttention(C, H, rng, dropout=0.2)
    return layer_problem(
        layer,
        rng,
        {"x_q": sequences(rng), "x_kv": sequences(rng, S)},
        {"mask": padding_mask([S, 3], S)},
        dropout_seed=5,
    )


def attention_with_everything(rng: Rng) -> Problem:
    """Grouped heads of their own width, other values, a soft cap, dropout of weights and of logits, no offsets."""
    options: Any = {"n_kv_heads": 2, "d_head": 5, "width_k": F, "width_v": V, "soft_cap": 2.0, "logit_dropout": 0.2}
    layer = MultiHeadAttention(C, 4, rng, dropout=0.2, bias=False, **options)
    inputs = {"x_q": sequences(rng), "x_kv": rng.standard_normal((B, S, F)), "x_v": rng.standard_normal((B, S, V))}
    return layer_problem(layer, rng, inputs, {"mask": padding_mask([S, 3], S)}, dropout_seed=5)


CASES: tuple[Case, ...] = (
    Case(MultiHeadAttention, "dropout of heads and weights", attention_with_head_dropout),
    Case(
        MultiHeadAttention, "linear kernel", lambda rng: attention_with_kernel(rng, {"name": "linear", "causal": True})
    ),
    Case(MultiHeadAttention, "tiled kernel", multi_head_with_kernel),
    Case(MultiHeadAttention, "self, causal", self_attention),
    Case(MultiHeadAttention, "cross, padding, dropout", cross_attention),
    Case(MultiHeadAttention, "grouped, soft cap, three sources", attention_with_everything),
)
