import math

import torch


def kv_step(x, table, w_q, w_k, w_v, w_o, keys, values):
    b, t, _ = x.shape
    heads, m, d = keys.shape[1:]
    x = x + table[m : m + t]
    q, k, v = ((x @ w).view(b, t, heads, d).transpose(1, 2) for w in (w_q, w_k, w_v))
    keys, values = torch.cat([keys, k], dim=2), torch.cat([values, v], dim=2)
    scores = q @ keys.transpose(-2, -1) / math.sqrt(d)
    later = torch.arange(m + t) > m + torch.arange(t).unsqueeze(1)
    weights = torch.softmax(scores.masked_fill(later, float("-inf")), dim=-1)
    return (weights @ values).transpose(1, 2).reshape(b, t, -1) @ w_o, keys, values
