"""Rotary embedding."""

from __future__ import annotations

from typing import Any

from tfx.ops.attention.multi_head import merge_heads, split_heads
from tfx.ops.positions.rotary import rotary_forward


def rotary_embedding(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    """x: (B, H, T, D), or (B, T, H D) with num_heads.  Tables: one row per position with position_ids, else picked."""
    x, cos, sin, position_ids = (*inputs, None)[:4]
    if position_ids is not None:
        cos, sin = cos[position_ids], sin[position_ids]  # (B, T, r / 2)
    heads = split_heads(x, attrs["num_heads"]) if x.ndim == 3 else x
    layout = "pairs" if attrs.get("interleaved", 0) else "halves"
    y, _ = rotary_forward(heads, cos[:, None], sin[:, None], layout)
    return merge_heads(y) if x.ndim == 3 else y


OPS = {"RotaryEmbedding": rotary_embedding}
