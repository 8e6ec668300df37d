import torch


def look_ahead_mask(n_queries, n_keys=None, past=0, window=None):
    n_keys = past + n_queries if n_keys is None else n_keys
    mask = torch.ones(n_queries, n_keys, dtype=torch.bool).tril(past)
    return mask if window is None else mask.triu(past - window + 1)
