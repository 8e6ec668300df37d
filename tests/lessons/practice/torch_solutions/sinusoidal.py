import torch


def positions(n, c, base=10000.0, start=0):
    angles = torch.arange(start, start + n).unsqueeze(1) / base ** (torch.arange(0, c, 2) / c)
    out = torch.zeros(n, c)
    out[:, 0::2], out[:, 1::2] = angles.sin(), angles.cos()
    return out
