import math

import torch


def cross_attention(x, source, w_q, w_k, w_v, w_o, n_heads, kept=None):
    b, t, _ = x.shape
    s = source.size(1)
    q = (x @ w_q).view(b, t, n_heads, -1).transpose(1, 2)
    k = (source @ w_k).view(b, s, n_heads, -1).transpose(1, 2)
    v = (source @ w_v).view(b, s, n_heads, -1).transpose(1, 2)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    if kept is None:
        heads = torch.softmax(scores, dim=-1) @ v
    else:
        some = kept.any(dim=1).view(b, 1, 1, 1)
        hidden = ~kept[:, None, None, :] & some
        heads = torch.softmax(scores.masked_fill(hidden, float("-inf")), dim=-1) @ v * some
    return heads.transpose(1, 2).reshape(b, t, -1) @ w_o
