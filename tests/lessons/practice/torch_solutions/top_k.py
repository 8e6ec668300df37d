import torch


def top_k(logits, k):
    order = torch.argsort(logits, dim=-1, descending=True, stable=True)[..., :k]
    out = torch.full_like(logits, float("-inf"))
    return out.scatter(-1, order, logits.gather(-1, order))
