import torch


def draw_token(logits, u, temperature=1.0):
    if temperature == 0:
        return (logits == logits.amax(dim=-1, keepdim=True)).int().argmax(dim=-1)
    sums = torch.softmax(logits / temperature, dim=-1).cumsum(dim=-1)
    return (sums <= u.unsqueeze(-1)).sum(dim=-1)
