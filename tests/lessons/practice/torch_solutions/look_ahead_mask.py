import torch


def look_ahead_mask(n_queries, n_keys=None, past=0, window=None):
    if n_keys is None:
        n_keys = past + n_queries
    query = past + torch.arange(n_queries).unsqueeze(1)
    key = torch.arange(n_keys).unsqueeze(0)
    mask = key <= query
    if window is not None:
        mask = mask & (key > query - window)
    return mask
