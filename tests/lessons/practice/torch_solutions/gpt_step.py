import torch.nn.functional as F


def gpt_step(ids, table, positions, w, n_heads, keep=None):
    inputs, labels = ids[:, :-1], ids[:, 1:]
    b, t = inputs.shape
    c = table.size(1)
    x = table[inputs] + positions[:t]
    y = F.layer_norm(x, (c,), w["gamma_1"], w["beta_1"])
    q, k, v = ((y @ w["w_" + n] + w["b_" + n]).view(b, t, n_heads, -1).transpose(1, 2) for n in "qkv")
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + out.transpose(1, 2).reshape(b, t, c) @ w["w_o"] + w["b_o"]
    y = F.layer_norm(x, (c,), w["gamma_2"], w["beta_2"])
    x = x + F.gelu(y @ w["w_1"] + w["b_1"], approximate="tanh") @ w["w_2"] + w["b_2"]
    logits = F.layer_norm(x, (c,), w["gamma"], w["beta"]) @ table.T
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(b, t)
    if keep is None:
        return losses.mean(), logits
    counted = keep[:, 1:]
    return (losses * counted).sum() / counted.sum().clamp(min=1), logits
