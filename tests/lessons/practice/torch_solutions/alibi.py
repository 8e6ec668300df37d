import math

import torch


def slopes(n):
    power = 2 ** math.floor(math.log2(n))
    first = [2.0 ** (-8 * h / power) for h in range(1, power + 1)]
    second = [2.0 ** (-8 * h / (2 * power)) for h in range(1, 2 * power + 1)][::2]
    return torch.tensor((first + second)[:n])


def alibi(scores, past=0, causal=False):
    h, t, s = scores.shape[-3:]
    query = past + torch.arange(t)[:, None]
    key = torch.arange(s)[None, :]
    bias = -slopes(h)[:, None, None] * (query - key).abs()
    out = scores + bias
    if causal:
        out = out.masked_fill(key > query, float("-inf"))
    return out
