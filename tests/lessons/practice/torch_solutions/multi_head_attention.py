import math

import torch


def multi_head_attention(q, k, v, maps, offsets, n_heads, mask=None):
    b, t, c = q.shape
    q, k, v = (
        (x @ w + o).view(b, -1, n_heads, c // n_heads).transpose(1, 2)
        for x, w, o in zip((q, k, v), maps, offsets, strict=False)
    )
    scores = q @ k.transpose(-2, -1) / math.sqrt(c // n_heads)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e30)
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights * mask.expand_as(scores).any(dim=-1, keepdim=True)
    return (weights @ v).transpose(1, 2).reshape(b, t, c) @ maps[3] + offsets[3], weights
