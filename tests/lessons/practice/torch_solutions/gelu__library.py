import torch.nn.functional as F


def gelu(x, form="exact"):
    return F.gelu(x, approximate="tanh" if form == "tanh" else "none")
