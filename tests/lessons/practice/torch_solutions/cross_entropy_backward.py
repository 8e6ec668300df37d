import torch
import torch.nn.functional as F


def cross_entropy_backward(dloss, logits, targets, smoothing=0.0, keep=None):
    v = logits.size(-1)
    keep = torch.ones(targets.shape, dtype=torch.bool) if keep is None else keep
    safe = torch.where(keep, targets, 0)
    target = (1 - smoothing) * F.one_hot(safe, v) + smoothing / v
    d = (torch.softmax(logits, dim=-1) - target) * keep.unsqueeze(-1)
    return dloss * d / keep.sum().clamp(min=1)
