import math

import torch


def online_softmax(q, k, v, block, mask=None):
    s = k.size(-2)
    shape = q.shape[:-1]
    if mask is not None:
        mask = torch.broadcast_to(mask, (*shape, s))
    top = torch.full(shape, float("-inf"))
    total = torch.zeros(shape)
    out = torch.zeros(*shape, v.size(-1))
    for at in range(0, s, block):
        scores = q @ k[..., at : at + block, :].transpose(-2, -1) / math.sqrt(q.size(-1))
        if mask is not None:
            scores = scores.masked_fill(~mask[..., at : at + block], float("-inf"))
        new = torch.maximum(top, scores.amax(dim=-1))
        safe = new.masked_fill(new == float("-inf"), 0.0)
        shrink = torch.exp(top - safe)
        weights = torch.exp(scores - safe.unsqueeze(-1))
        total = total * shrink + weights.sum(dim=-1)
        out = out * shrink.unsqueeze(-1) + weights @ v[..., at : at + block, :]
        top = new
    return out / total.masked_fill(total == 0, 1.0).unsqueeze(-1), top, total
