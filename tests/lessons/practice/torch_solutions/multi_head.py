import math

import torch


def multi_head(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    b, t, c = x.shape
    q, k, v = ((x @ w).view(b, t, n_heads, c // n_heads).transpose(1, 2) for w in (w_q, w_k, w_v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(c // n_heads)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    heads = torch.softmax(scores, dim=-1) @ v
    return heads.transpose(1, 2).reshape(b, t, c) @ w_o
