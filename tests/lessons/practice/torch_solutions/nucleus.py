import torch


def top_p(logits, p):
    down, order = torch.sort(logits, dim=-1, descending=True, stable=True)
    weights = torch.softmax(down, dim=-1)
    before = weights.cumsum(dim=-1) - weights
    gone = (before >= p) if p < 1 else torch.zeros_like(before, dtype=torch.bool)
    gone[..., 0] = False
    return logits.masked_fill(torch.zeros_like(gone).scatter(-1, order, gone), float("-inf"))
