import math

import torch


def attention_backward(dout, q, k, v, mask=None):
    scale = 1 / math.sqrt(q.size(-1))
    scores = scale * q @ k.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    p = torch.nan_to_num(torch.softmax(scores, dim=-1))
    dv = p.mT @ dout
    dp = dout @ v.mT
    ds = p * (dp - (dp * p).sum(dim=-1, keepdim=True))
    return scale * ds @ k, scale * ds.mT @ q, dv
