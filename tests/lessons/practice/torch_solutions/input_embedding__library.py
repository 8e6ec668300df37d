import torch
import torch.nn.functional as F


def input_embedding(ids, table, positions, start=0, scaled=True):
    places = torch.arange(ids.shape[-1]) + start
    factor = table.shape[-1] ** 0.5 if scaled else 1.0
    return F.embedding(ids, table).mul(factor).add(F.embedding(places, positions))
