import torch


def softmax_and_jacobian(x, temperature=1.0):
    p = torch.softmax(x / temperature, dim=-1)
    return p, (torch.diag_embed(p) - p.unsqueeze(-1) * p.unsqueeze(-2)) / temperature
