import torch


def swiglu_backward(dy, x, w_gate, w_up, w_down):
    a, u = x @ w_gate, x @ w_up
    share = torch.sigmoid(a)
    back = dy @ w_down.T
    da, du = back * u * share * (1 + a * (1 - share)), back * a * share
    rows, das, dus, dys, hs = (one.reshape(-1, one.size(-1)) for one in (x, da, du, dy, a * share * u))
    return da @ w_gate.T + du @ w_up.T, rows.T @ das, rows.T @ dus, hs.T @ dys
