"""A post-LN block line by line, as the paper of 2017 wires it, with what each line gives.

    encoder   a = self-attention(x)      r = norm(x + a)      f = feed-forward(r)      y = norm(r + f)
    decoder   between the two:           c = cross-attention(r, memory)                s = norm(r + c)

Equal to the library's blocks, whose forward keeps caches instead of names.
Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.1.
"""

from __future__ import annotations

import numpy as np

from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.masks import Mask


def line_by_line(
    block: EncoderBlock | DecoderBlock, x: np.ndarray, memory: np.ndarray | None = None, mask: Mask = None
) -> list[tuple[str, np.ndarray]]:
    """x: (B, T, C); memory: (B, S, C), of a decoder block -> the name of each line and what it gives, (B, T, C)."""
    parts = [("self-attention", block.norm1, lambda y: block.attention.forward(y, mask=mask))]
    if isinstance(block, DecoderBlock):
        parts.append(("cross-attention", block.norm2, lambda y: block.cross_attention.forward(y, memory)))
    last = block.norm3 if isinstance(block, DecoderBlock) else block.norm2
    parts.append(("feed-forward", last, lambda y: block.feed_forward.forward(y)))
    lines = [("x", x)]
    for name, norm, part in parts:
        given, _ = part(x)
        added = x + given
        x, _ = norm.forward(added)
        lines += [(name, given), ("add", added), ("norm", x)]
    return lines
