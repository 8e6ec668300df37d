import torch


def rope(x, base=10000.0, start=0):
    t, d = x.shape[-2:]
    speed = base ** (-torch.arange(0, d, 2) / d)
    angles = torch.arange(start, start + t)[:, None] * speed
    a, b = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
