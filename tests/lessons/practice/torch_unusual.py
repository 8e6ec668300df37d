"""Right answers in PyTorch that nobody would write, and that are right all the same: (exercise, source)."""

from __future__ import annotations

UNUSUAL: dict[str, tuple[str, str]] = {
    "attention by the module of the library": ("attention", """
import torch
from torch import nn

class Attention(nn.Module):
    def forward(self, q, k, v, mask):
        bias = 0.0 if mask is None else torch.where(mask, 0.0, float("-inf"))
        s = (q / q.size(-1) ** 0.25) @ (k / k.size(-1) ** 0.25).mT + bias
        p = torch.nan_to_num(nn.Softmax(dim=-1)(torch.where(torch.isneginf(s).all(-1, keepdim=True), 0.0, s)))
        if mask is not None:
            p = p * mask.any(-1, keepdim=True)
        return p @ v, p

def attention(q, k, v, mask=None):
    return Attention()(q, k, v, mask)
"""),
    "attention with a backward of its own": ("attention", """
import torch

class Weights(torch.autograd.Function):
    @staticmethod
    def forward(ctx, s):
        top = s.amax(-1, keepdim=True)
        e = torch.exp(s - torch.where(torch.isneginf(top), 0.0, top))
        p = e / e.sum(-1, keepdim=True).clamp(min=1e-30)
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx, dp):
        (p,) = ctx.saved_tensors
        return p * (dp - (dp * p).sum(-1, keepdim=True))

def attention(q, k, v, mask=None):
    s = torch.einsum("...ti,...si->...ts", q, k) / q.shape[-1] ** 0.5
    if mask is not None:
        s = s.masked_fill(~mask, -torch.inf)
    p = Weights.apply(s)
    return torch.matmul(p, v), p
"""),
    "softmax by sigmoids, for one pair of numbers after the other": ("softmax", """
import torch

def softmax(x, axis=-1):
    x = x.movedim(axis, 0)
    logs = torch.full(x.shape[1:], float("-inf"))
    for row in x:
        logs = torch.logaddexp(logs, row)
    safe = torch.where(torch.isneginf(logs), 0.0, logs)
    return torch.exp(x - safe).movedim(0, axis)
"""),
    "softmax in NumPy with a backward in NumPy": ("softmax", """
import numpy as np
import torch

class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, axis):
        a = x.detach().numpy()
        top = a.max(axis=axis, keepdims=True)
        e = np.exp(a - np.where(np.isneginf(top), 0, top))
        total = e.sum(axis=axis, keepdims=True)
        p = torch.from_numpy(e / np.where(total == 0, 1, total))
        ctx.save_for_backward(p)
        ctx.axis = axis
        return p

    @staticmethod
    def backward(ctx, dp):
        (p,) = ctx.saved_tensors
        return p * (dp - (dp * p).sum(ctx.axis, keepdim=True)), None

def softmax(x, axis=-1):
    return Softmax.apply(x, axis)
"""),
    "softmax, compiled": ("softmax", """
import torch

@torch.compile
def softmax(x, axis=-1):
    blocked = torch.isneginf(x).all(dim=axis, keepdim=True)
    return torch.softmax(x.masked_fill(blocked, 0.0), dim=axis).masked_fill(blocked, 0.0)
"""),
    "layer norm by group norm": ("layer-norm", """
import torch
import torch.nn.functional as F

def layer_norm(x, gamma, beta, eps=1e-5):
    rows = x.reshape(-1, x.shape[-1])
    return (F.group_norm(rows, 1, None, None, eps) * gamma + beta).reshape(x.shape)
"""),
    "layer norm mapped over tokens": ("layer-norm", """
import torch

def one(x, gamma, beta, eps):
    x = x - x.sum() / x.numel()
    return x / (torch.dot(x, x) / x.numel() + eps) ** 0.5 * gamma + beta

def layer_norm(x, gamma, beta, eps=1e-5):
    tokens = x.flatten(0, -2) if x.dim() > 1 else x[None]
    rows = torch.vmap(one, in_dims=(0, None, None, None))(tokens, gamma, beta, eps)
    return rows.view(x.shape)
"""),
    "layer norm token by token": ("layer-norm", """
import torch

def layer_norm(x, gamma, beta, eps=1e-5):
    rows = []
    for row in x.reshape(-1, len(gamma)):
        var, mean = torch.var_mean(row, correction=0)
        rows.append((row - mean) * torch.pow(var + eps, -0.5) * gamma + beta)
    return torch.stack(rows).reshape(x.shape)
"""),
    "cross-entropy by KL and entropy": ("cross-entropy", """
import torch
import torch.nn.functional as F

def cross_entropy(logits, targets, smoothing=0.0, keep=None):
    v = logits.shape[-1]
    log_p = F.log_softmax(logits, -1)
    aims = F.one_hot(targets, v).to(logits.dtype) * (1 - smoothing) + smoothing / v
    losses = F.kl_div(log_p, aims, reduction="none").sum(-1) - torch.special.xlogy(aims, aims).sum(-1)
    keep = torch.ones_like(targets, dtype=torch.bool) if keep is None else keep
    return torch.where(keep, losses, 0.0).sum() / torch.clamp(torch.count_nonzero(keep), min=1)
"""),
    "cross-entropy over the tokens that count alone": ("cross-entropy", """
import torch

def cross_entropy(logits, targets, smoothing=0.0, keep=None):
    if keep is not None:
        logits, targets = logits[keep], targets[keep]
    else:
        logits, targets = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
    if targets.numel() == 0:
        return (logits * 0).sum()
    normal = torch.logsumexp(logits, 1)
    right = torch.take_along_dim(logits, targets[:, None], 1)[:, 0]
    return (normal - (1 - smoothing) * right - smoothing * logits.mean(1)).mean()
"""),
    "multi-head by the function of the library": ("multi-head", """
import torch
import torch.nn.functional as F

def multi_head(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    b, t, c = x.shape
    if mask is not None:
        mask = ~mask.expand(b, n_heads, t, t).reshape(-1, t, t)
    turned = x.transpose(0, 1)
    y, _ = F.multi_head_attention_forward(
        turned, turned, turned, c, n_heads, None, None, None, None, False, 0.0, w_o.T, None,
        need_weights=False, attn_mask=mask, use_separate_proj_weight=True,
        q_proj_weight=w_q.T, k_proj_weight=w_k.T, v_proj_weight=w_v.T)
    return y.transpose(0, 1)
"""),
    "multi-head, each head with its part of the last map": ("multi-head", """
import torch

def multi_head(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    d = x.shape[-1] // n_heads
    y = torch.zeros_like(x)
    for h in range(n_heads):
        at = slice(h * d, (h + 1) * d)
        inside = w_q[:, at] @ w_k[:, at].T / d**0.5
        s = x @ inside @ x.mT
        if mask is not None:
            s = s.where(mask if mask.dim() == 2 else mask[:, 0], torch.tensor(-1e300))
        y = y + s.softmax(-1) @ (x @ (w_v[:, at] @ w_o[at]))
    return y
"""),
    "rope as a matrix": ("rope", """
import torch

def rope(x, base=10000.0, start=0):
    t, d = x.shape[-2:]
    angles = torch.outer(torch.arange(start, start + t), base ** -(torch.arange(0, d, 2) / d))
    turn = torch.zeros(t, d, d)
    even = torch.arange(0, d, 2)
    turn[:, even, even] = turn[:, even + 1, even + 1] = angles.cos()
    turn[:, even, even + 1], turn[:, even + 1, even] = angles.sin(), -angles.sin()
    return torch.einsum("...ti,tij->...tj", x, turn)
"""),
    "rms norm by the norm of a vector": ("rms-norm", """
import torch

def rms_norm(x, gamma, eps=1e-5):
    longer = torch.cat([x, torch.full_like(x[..., :1], (eps * x.shape[-1]) ** 0.5)], -1)
    return torch.nn.functional.normalize(longer, dim=-1, eps=0.0)[..., :-1] * x.shape[-1] ** 0.5 * gamma
"""),
    "gelu by the normal distribution": ("gelu", """
import torch

def gelu(x, form="exact"):
    if form == "exact":
        return x * torch.special.ndtr(x)
    return x * torch.sigmoid(2 * (2 / torch.pi) ** 0.5 * x * (1 + 0.044715 * x.square()))
"""),
    "layer norm backward by autograd": ("layer-norm-backward", """
import torch
import torch.nn.functional as F

def layer_norm_backward(dy, x, gamma, eps=1e-5):
    beta = torch.zeros_like(gamma)
    _, pull = torch.func.vjp(lambda a, g, b: F.layer_norm(a, (a.shape[-1],), g, b, eps), x, gamma, beta)
    return pull(dy)
"""),
    "softmax backward by the whole Jacobian": ("softmax-backward", """
import torch

def softmax_backward_of(dp, p, axis=-1):
    p, dp = p.movedim(axis, -1), dp.movedim(axis, -1)
    jacobian = torch.diag_embed(p) - p.unsqueeze(-1) * p.unsqueeze(-2)
    return (jacobian @ dp.unsqueeze(-1)).squeeze(-1).movedim(-1, axis)
"""),
    "feed-forward by modules": ("feed-forward", """
import torch
from torch import nn

def feed_forward(x, w_1, b_1, w_2, b_2, activation="relu"):
    net = nn.Sequential(nn.Linear(*w_1.shape), nn.ReLU() if activation == "relu" else nn.GELU(), nn.Linear(*w_2.shape))
    given = {"0.weight": w_1.T, "0.bias": b_1, "2.weight": w_2.T, "2.bias": b_2}
    return torch.func.functional_call(net, given, (x,))
"""),
    "adam in inference mode": ("adam", """
import torch

@torch.inference_mode()
def adam(value, grad, mean, square, step, rate=0.001, beta1=0.9, beta2=0.999, eps=1e-8, decay=0.0, decoupled=True):
    if not decoupled:
        grad = grad + decay * value
    mean = mean + (1 - beta1) * (grad - mean)
    square = square + (1 - beta2) * (grad.square() - square)
    move = mean / (1 - beta1**step) / ((square / (1 - beta2**step)).sqrt() + eps)
    return value - rate * (move + (decay * value if decoupled else 0)), mean, square
"""),
    "top-k by ranks": ("top-k", """
import torch

def top_k(logits, k):
    v = logits.shape[-1]
    a, b = logits.unsqueeze(-1), logits.unsqueeze(-2)
    i = torch.arange(v)
    ahead = (b > a) | ((b == a) & (i[None, :] < i[:, None]))
    return torch.where(ahead.sum(-1) < k, logits, -torch.inf)
"""),
    "causal shift by narrow and where": ("causal-shift", """
import torch

def causal_shift(tokens, pad=None, prompt=None, ignored=-100):
    n = tokens.shape[-1] - 1
    labels = tokens.narrow(-1, 1, n)
    hidden = torch.zeros_like(labels, dtype=torch.bool)
    if pad is not None:
        hidden |= labels.eq(pad)
    if prompt is not None:
        hidden |= torch.arange(1, n + 1) < torch.as_tensor(prompt)[..., None]
    return tokens.narrow(-1, 0, n).clone(), labels.masked_fill(hidden, ignored)
"""),
    "padding mask as a product": ("padding-mask", """
import torch

def padding_mask(tokens, pad=0, causal=False, blank=False):
    real = tokens.ne(pad)
    rows = real if blank else torch.ones_like(real)
    mask = torch.einsum("bq,bk->bqk", rows.int(), real.int()).bool()
    return (mask.tril() if causal else mask).unsqueeze(1)
"""),
    "encoder block of the library": ("encoder-block", """
import torch
import torch.nn.functional as F

def encoder_block(x, w, n_heads, mask=None, norm_place="pre", eps=1e-5):
    def attend(y):
        q, k, v = ((y @ w[n]).unflatten(-1, (n_heads, -1)).transpose(1, 2) for n in ("w_q", "w_k", "w_v"))
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return out.transpose(1, 2).flatten(2) @ w["w_o"]

    def norm(y, n):
        return F.layer_norm(y, y.shape[-1:], w[f"gamma_{n}"], w[f"beta_{n}"], eps)

    steps = ((attend, 1), (lambda y: F.linear(F.relu(F.linear(y, w["w_1"].T, w["b_1"])), w["w_2"].T, w["b_2"]), 2))
    for step, n in steps:
        x = x + step(norm(x, n)) if norm_place == "pre" else norm(x + step(x), n)
    return x
"""),
    "routing by a running count": ("moe-routing", """
import torch

def route(logits, k, renormalise=True, capacity=None):
    n, e = logits.shape
    down, experts = logits.sort(dim=-1, descending=True, stable=True)
    experts = experts[:, :k]
    gates = (down[:, :k] if renormalise else down).softmax(-1)[:, :k]
    if capacity is not None:
        hits = torch.nn.functional.one_hot(experts.T.reshape(-1), e)
        place = (hits.cumsum(0) * hits).sum(-1).reshape(k, n).T
        gates = gates * (place <= capacity)
    return experts, gates
"""),
    "LoRA by addmm": ("lora", """
import torch

def lora(x, w, a, b, alpha=1.0, bias=None):
    merged = torch.addmm(w, a, b, alpha=alpha / a.shape[1])
    return torch.nn.functional.linear(x, merged.T, bias), merged
"""),
}  # fmt: skip
