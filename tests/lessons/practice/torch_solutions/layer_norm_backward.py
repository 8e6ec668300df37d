import torch


def layer_norm_backward(dy, x, gamma, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    deviation = torch.sqrt(x.var(dim=-1, keepdim=True, correction=0) + eps)
    n = (x - mean) / deviation
    dn = dy * gamma
    dx = (dn - dn.mean(dim=-1, keepdim=True) - n * (dn * n).mean(dim=-1, keepdim=True)) / deviation
    c = x.size(-1)
    return dx, (dy * n).reshape(-1, c).sum(dim=0), dy.reshape(-1, c).sum(dim=0)
