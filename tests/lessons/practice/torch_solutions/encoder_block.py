import math

import torch


def layer_norm(x, gamma, beta, eps):
    mean = x.mean(dim=-1, keepdim=True)
    var = ((x - mean) ** 2).mean(dim=-1, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps) * gamma + beta


def attention(x, w, n_heads, mask):
    b, t, c = x.shape
    q, k, v = ((x @ w[name]).view(b, t, n_heads, -1).transpose(1, 2) for name in ("w_q", "w_k", "w_v"))
    scores = q @ k.transpose(-2, -1) / math.sqrt(c // n_heads)
    if mask is not None:
        some = mask.any(dim=-1, keepdim=True)
        weights = torch.softmax(scores.masked_fill(~mask & some, float("-inf")), dim=-1) * some
    else:
        weights = torch.softmax(scores, dim=-1)
    return (weights @ v).transpose(1, 2).reshape(b, t, c) @ w["w_o"]


def network(x, w):
    return torch.relu(x @ w["w_1"] + w["b_1"]) @ w["w_2"] + w["b_2"]


def encoder_block(x, w, n_heads, mask=None, norm_place="pre", eps=1e-5):
    def one(y):
        return layer_norm(y, w["gamma_1"], w["beta_1"], eps)

    def two(y):
        return layer_norm(y, w["gamma_2"], w["beta_2"], eps)

    if norm_place == "pre":
        x = x + attention(one(x), w, n_heads, mask)
        return x + network(two(x), w)
    x = one(x + attention(x, w, n_heads, mask))
    return two(x + network(x, w))
