import math

import torch


def grouped_heads(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    b, t, _ = x.shape
    d = w_q.size(1) // n_heads
    groups = w_k.size(1) // d
    q = (x @ w_q).view(b, t, n_heads, d).transpose(1, 2)
    k = (x @ w_k).view(b, t, groups, d).transpose(1, 2).repeat_interleave(n_heads // groups, dim=1)
    v = (x @ w_v).view(b, t, groups, d).transpose(1, 2).repeat_interleave(n_heads // groups, dim=1)
    scores = q @ k.transpose(-2, -1) / math.sqrt(d)
    if mask is not None:
        some = mask.any(dim=-1, keepdim=True)
        weights = torch.softmax(scores.masked_fill(~mask & some, float("-inf")), dim=-1) * some
    else:
        weights = torch.softmax(scores, dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, t, -1) @ w_o
