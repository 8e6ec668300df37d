import torch


def rms_norm_backward(dy, x, gamma, eps=1e-5):
    size = torch.sqrt((x * x).mean(dim=-1, keepdim=True) + eps)
    n = x / size
    dn = dy * gamma
    dx = (dn - n * (dn * n).mean(dim=-1, keepdim=True)) / size
    return dx, (dy * n).flatten(0, -2).sum(dim=0) if x.dim() > 1 else dy * n
