import torch


def padding_mask(tokens, pad=0, causal=False, blank=False):
    b, t = tokens.shape
    real = tokens != pad
    mask = real[:, None, None, :].expand(b, 1, t, t)
    if causal:
        mask = mask & torch.ones(t, t, dtype=torch.bool).tril()
    if blank:
        mask = mask & real[:, None, :, None]
    return mask.clone()
