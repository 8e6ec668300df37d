import torch.nn.functional as F


def grouped_heads(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    d = w_q.shape[1] // n_heads
    q, k, v = ((x @ w).unflatten(-1, (-1, d)).transpose(1, 2) for w in (w_q, w_k, w_v))
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
    return y.transpose(1, 2).flatten(-2) @ w_o
