import torch


def swiglu(x, w_gate, w_up, w_down, beta=1.0):
    a = x @ w_gate
    hidden = a * torch.sigmoid(beta * a) * (x @ w_up)
    return hidden @ w_down, hidden
