import torch


def causal_shift(tokens, pad=None, prompt=None, ignored=-100):
    inputs, labels = tokens[..., :-1].clone(), tokens[..., 1:].clone()
    if pad is not None:
        labels[labels == pad] = ignored
    if prompt is not None:
        places = torch.arange(1, tokens.size(-1))
        labels[places < prompt.unsqueeze(-1)] = ignored
    return inputs, labels
