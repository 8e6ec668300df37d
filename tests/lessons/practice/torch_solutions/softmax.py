import torch


def softmax(x, axis=-1):
    top = x.amax(dim=axis, keepdim=True)
    top = torch.where(torch.isneginf(top), torch.zeros_like(top), top)
    e = torch.exp(x - top)
    total = e.sum(dim=axis, keepdim=True)
    return e / torch.where(total == 0, torch.ones_like(total), total)
