import torch
import torch.nn.functional as F


def feed_forward(x, w_1, b_1, w_2, b_2, activation="relu"):
    a = x @ w_1 + b_1
    h = F.gelu(a) if activation == "gelu" else torch.relu(a)
    return h @ w_2 + b_2
