"""Answers in PyTorch as people write them: right ones, usual and unusual, and wrong ones with what is to be said.

A wrong one is (exercise, verdict, id of the mistake or "" for one outside the bank, source).
"""

# ruff: noqa: E501
from __future__ import annotations

ATTENTION = """
import math, torch
import torch.nn.functional as F

def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    if mask is not None:
        blocked = ~mask.any(dim=-1, keepdim=True)
        scores = scores.masked_fill(~mask & ~blocked, float("-inf"))
    weights = F.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(blocked, 0.0)
    return weights @ v, weights
"""

SOFTMAX = """
import torch

def softmax(x, axis=-1):
    top = x.amax(dim=axis, keepdim=True)
    top = torch.where(torch.isneginf(top), torch.zeros_like(top), top)
    e = torch.exp(x - top)
    total = e.sum(dim=axis, keepdim=True)
    return e / torch.where(total == 0, torch.ones_like(total), total)
"""

LAYER_NORM = """
import torch

def layer_norm(x, gamma, beta, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    var = x.var(dim=-1, keepdim=True, unbiased=False)
    return gamma * (x - mean) / torch.sqrt(var + eps) + beta
"""

CROSS_ENTROPY = """
import torch

def cross_entropy(logits, targets, smoothing=0.0, keep=None):
    log_p = torch.log_softmax(logits, dim=-1)
    right = log_p.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    losses = -(1 - smoothing) * right - smoothing * log_p.mean(dim=-1)
    if keep is None:
        return losses.mean()
    return (losses * keep).sum() / keep.sum().clamp(min=1)
"""

MULTI_HEAD = """
import math, torch

def multi_head(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    b, t, c = x.shape
    q, k, v = ((x @ w).view(b, t, n_heads, c // n_heads).transpose(1, 2) for w in (w_q, w_k, w_v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(c // n_heads)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    heads = torch.softmax(scores, dim=-1) @ v
    return heads.transpose(1, 2).reshape(b, t, c) @ w_o
"""

ROPE = """
import torch

def rope(x, base=10000.0, start=0):
    t, d = x.shape[-2:]
    speed = base ** (-torch.arange(0, d, 2) / d)
    angles = torch.arange(start, start + t)[:, None] * speed
    a, b = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
"""

RIGHT: dict[str, tuple[str, str]] = {
    "attention": ("attention", ATTENTION),
    "attention by the function of the library": ("attention", """
import torch
import torch.nn.functional as F

def attention(q, k, v, mask=None):
    n = k.shape[-2]
    unit = torch.eye(n, dtype=v.dtype).expand(*k.shape[:-2], n, n)
    weights = F.scaled_dot_product_attention(q, k, unit, attn_mask=mask)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask), weights
"""),
    "attention by einsum and logsumexp": ("attention", """
import torch

def attention(q, k, v, mask=None):
    s = torch.einsum("...td,...sd->...ts", q * q.shape[-1] ** -0.5, k)
    if mask is None:
        mask = torch.ones(s.shape, dtype=torch.bool)
    mask = mask.expand(s.shape)
    s = torch.where(mask, s, -1e30)
    w = torch.exp(s - torch.logsumexp(s, dim=-1, keepdim=True)) * mask.any(-1, keepdim=True)
    return torch.einsum("...ts,...sd->...td", w, v), w
"""),
    "attention with a bias made of zeros": ("attention", """
import torch

def attention(q, k, v, mask=None):
    scores = torch.matmul(q, k.mT) / torch.sqrt(torch.tensor(k.shape[-1]))
    bias = torch.zeros(scores.shape)
    seen = torch.ones(scores.shape, dtype=torch.bool)
    if mask is not None:
        seen = torch.broadcast_to(mask, scores.shape)
        bias = bias.masked_fill(~seen, torch.finfo(torch.float32).min)
    w = (scores + bias).softmax(-1, dtype=torch.float32).type_as(q)
    w = torch.where(seen.any(-1, keepdim=True), w, 0)
    return w @ v, w
"""),
    "attention whose NaN is replaced, and goes back through no score": ("attention", """
import torch

def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    w = torch.nan_to_num(scores.softmax(-1))
    return w @ v, w
"""),
    "softmax": ("softmax", SOFTMAX),
    "softmax by logsumexp": ("softmax", """
import torch

def softmax(x, axis=-1):
    logs = torch.logsumexp(x, dim=axis, keepdim=True)
    logs = logs.masked_fill(logs == float("-inf"), 0.0)
    return torch.exp(x - logs)
"""),
    "softmax in float32 to be safe": ("softmax", """
import torch

def softmax(x, axis=-1):
    p = torch.softmax(x.float(), dim=axis)
    return torch.nan_to_num(p).to(x.dtype)
"""),
    "layer norm": ("layer-norm", LAYER_NORM),
    "layer norm of the library": ("layer-norm", """
import torch.nn.functional as F

def layer_norm(x, gamma, beta, eps=1e-5):
    return F.layer_norm(x, (x.shape[-1],), gamma, beta, eps)
"""),
    "layer norm as a module": ("layer-norm", """
import torch
from torch import nn

class Norm(nn.Module):
    def __init__(self, gamma, beta, eps):
        super().__init__()
        self.gamma, self.beta, self.eps = gamma, beta, eps

    def forward(self, x):
        x = x - x.mean(-1, keepdim=True)
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.gamma + self.beta

def layer_norm(x, gamma, beta, eps=1e-5):
    return Norm(gamma, beta, eps)(x)
"""),
    "cross-entropy": ("cross-entropy", CROSS_ENTROPY),
    "cross-entropy of the library": ("cross-entropy", """
import torch
import torch.nn.functional as F

def cross_entropy(logits, targets, smoothing=0.0, keep=None):
    if keep is not None:
        targets = targets.masked_fill(~keep, -100)
    flat, aims = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
    if (aims == -100).all():
        return flat.sum() * 0
    return F.cross_entropy(flat, aims, ignore_index=-100, label_smoothing=smoothing)
"""),
    "multi-head": ("multi-head", MULTI_HEAD),
    "multi-head by einsum": ("multi-head", """
import torch
import torch.nn.functional as F

def multi_head(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    b, t, c = x.shape
    q, k, v = (torch.einsum("btc,chd->bhtd", x, w.reshape(c, n_heads, -1)) for w in (w_q, w_k, w_v))
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return torch.einsum("bhtd,hdc->btc", out, w_o.reshape(n_heads, -1, c))
"""),
    "multi-head head by head": ("multi-head", """
import torch

def multi_head(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    d = x.shape[-1] // n_heads
    out = []
    for q, k, v in zip((x @ w_q).split(d, -1), (x @ w_k).split(d, -1), (x @ w_v).split(d, -1)):
        s = torch.bmm(q, k.transpose(1, 2)) * d ** -0.5
        if mask is not None:
            m = mask if mask.dim() == 2 else mask[:, 0]
            s = torch.where(m, s, torch.tensor(float("-inf")))
        out.append(torch.bmm(s.softmax(-1), v))
    return torch.cat(out, dim=-1) @ w_o
"""),
    "rope": ("rope", ROPE),
    "rope in complex numbers": ("rope", """
import torch

def rope(x, base=10000.0, start=0):
    t, d = x.shape[-2:]
    speed = 1.0 / base ** (torch.arange(0, d, 2).float() / d)
    turns = torch.polar(torch.ones(t, d // 2), torch.outer(torch.arange(start, start + t), speed))
    z = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(z * turns).flatten(-2)
"""),
    "rope by a table": ("rope", """
import torch

def rope(x, base=10000.0, start=0):
    t, d = x.shape[-2:]
    theta = (torch.arange(start, start + t, dtype=torch.float32)[:, None]
             / torch.pow(torch.tensor(base), torch.arange(0, d, 2, dtype=torch.float32) / d)).repeat_interleave(2, -1)
    turned = torch.stack([-x[..., 1::2], x[..., ::2]], dim=-1).reshape(x.shape)
    return (x * theta.cos() + turned * theta.sin()).to(x.dtype)
"""),
    "softmax backward": ("softmax-backward", """
def softmax_backward_of(dp, p, axis=-1):
    return p * (dp - (dp * p).sum(dim=axis, keepdim=True))
"""),
    "attention backward by autograd": ("attention-backward", ATTENTION + """
def attention_backward(dout, q, k, v, mask=None):
    q, k, v = (one.detach().clone().requires_grad_() for one in (q, k, v))
    out, _ = attention(q, k, v, mask)
    return torch.autograd.grad(out, (q, k, v), dout)
"""),
    "sinusoidal": ("sinusoidal", """
import torch

def positions(n, c, base=10000.0, start=0):
    angles = torch.arange(start, start + n).unsqueeze(1) / base ** (torch.arange(0, c, 2) / c)
    out = torch.zeros(n, c)
    out[:, 0::2], out[:, 1::2] = angles.sin(), angles.cos()
    return out
"""),
}  # fmt: skip


def changed(source: str, old: str, new: str) -> str:
    assert source.count(old) == 1, (old, source.count(old))
    return source.replace(old, new)


WRONG: dict[str, tuple[str, str, str, str]] = {
    "no scale": ("attention", "values", "attention/not-scaled",
                 changed(ATTENTION, " / math.sqrt(q.size(-1))", "")),
    "softmax over the queries": ("attention", "values", "attention/softmax-over-queries", """
import torch

def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    w = torch.nan_to_num(scores.softmax(dim=-2))
    return w @ v, w
"""),
    "softmax over dim 0": ("attention", "not finite", "", changed(ATTENTION, "F.softmax(scores, dim=-1)", "F.softmax(scores, dim=0)")),
    "softmax without a dim": ("attention", "not finite", "", changed(ATTENTION, "F.softmax(scores, dim=-1)", "F.softmax(scores)")),
    "the mask multiplies": ("attention", "values", "attention/scores-times-mask", """
import torch

def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if mask is not None:
        scores = scores * mask
    w = scores.softmax(-1)
    return w @ v, w
"""),
    "the mask the other way round": ("attention", "not finite", "", """
import torch

def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if mask is not None:
        scores = scores.masked_fill(mask, float("-inf"))
    w = scores.softmax(-1)
    return w @ v, w
"""),
    "NaN that is replaced afterwards": ("attention", "gradient", "", """
import torch

def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if mask is not None:
        scores = scores + torch.zeros(mask.shape).masked_fill(~mask, float("-inf"))
    w = torch.nan_to_num(scores.softmax(-1))
    return w @ v, w
"""),
    "keys cut off": ("attention", "gradient", "", changed(ATTENTION, "k.transpose(-2, -1)", "k.detach().transpose(-2, -1)")),
    "weights cut off in the output": ("attention", "gradient", "", changed(ATTENTION, "return weights @ v", "return weights.data @ v")),
    "weights returned are cut off": ("attention", "gradient", "", changed(ATTENTION, "weights @ v, weights", "weights @ v, weights.detach()")),
    "half of the scores cut off": ("attention", "gradient", "", changed(
        ATTENTION, "weights = F.softmax(scores, dim=-1)", "weights = F.softmax(0.5 * scores + 0.5 * scores.detach(), dim=-1)")),
    "no_grad": ("attention", "gradient", "", changed(ATTENTION, "def attention", "@torch.no_grad()\ndef attention")),
    "through NumPy": ("layer-norm", "gradient", "", """
import numpy as np
import torch

def layer_norm(x, gamma, beta, eps=1e-5):
    x, gamma, beta = (one.detach().numpy() for one in (x, gamma, beta))
    n = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
    return torch.from_numpy(gamma * n + beta)
"""),
    "q is divided in place": ("attention", "changed", "", changed(
        ATTENTION, "scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))",
        "scores = q.div_(math.sqrt(q.size(-1))) @ k.transpose(-2, -1)")),
    "x is written to": ("softmax", "changed", "", """
import torch

def softmax(x, axis=-1):
    top = x.amax(dim=axis, keepdim=True)
    x -= torch.where(torch.isneginf(top), torch.zeros_like(top), top)
    e = x.exp()
    total = e.sum(dim=axis, keepdim=True)
    return e / torch.where(total == 0, torch.ones_like(total), total)
"""),
    "softmax with the maximum of all": ("softmax", "values", "softmax/maximum-of-all", changed(
        SOFTMAX, "x.amax(dim=axis, keepdim=True)", "x.detach().max()")),
    "softmax whose denominator is cut off": ("softmax", "gradient", "", changed(
        SOFTMAX, "total = e.sum(dim=axis, keepdim=True)", "total = e.sum(dim=axis, keepdim=True).detach()")),
    "softmax along the last axis always": (
        "softmax", "values", "softmax/always-the-last-axis", SOFTMAX.replace("dim=axis", "dim=-1")),
    "softmax as an array": ("softmax", "type", "", """
import numpy as np

def softmax(x, axis=-1):
    x = x.numpy()
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""),
    "unbiased variance": ("layer-norm", "not finite", "layer-norm/divided-by-c-less-one", changed(LAYER_NORM, ", unbiased=False", "")),
    "eps outside of the root": ("layer-norm", "values", "layer-norm/eps-outside-the-root", changed(
        LAYER_NORM, "torch.sqrt(var + eps)", "(torch.sqrt(var) + eps)")),
    "statistics cut off": ("layer-norm", "gradient", "", changed(LAYER_NORM, "torch.sqrt(var + eps)", "torch.sqrt(var.detach() + eps)")),
    "mean cut off": ("layer-norm", "gradient", "", changed(LAYER_NORM, "(x - mean)", "(x - mean.detach())")),
    "beta cut off": ("layer-norm", "gradient", "", changed(LAYER_NORM, "+ beta", "+ beta.data")),
    "eps forgotten in the library's": ("layer-norm", "values", "layer-norm/eps-fixed", """
import torch.nn.functional as F

def layer_norm(x, gamma, beta, eps=1e-5):
    return F.layer_norm(x, (x.shape[-1],), gamma, beta)
"""),
    "statistics over all axes but the first": ("layer-norm", "values", "", """
import torch.nn.functional as F

def layer_norm(x, gamma, beta, eps=1e-5):
    if x.dim() == 1:
        return F.layer_norm(x, x.shape, gamma, beta, eps)
    return F.layer_norm(x, x.shape[1:], None, None, eps) * gamma + beta
"""),
    "a loss that is a number": ("cross-entropy", "gradient", "", CROSS_ENTROPY + """
whole = cross_entropy

def cross_entropy(logits, targets, smoothing=0.0, keep=None):
    return whole(logits, targets, smoothing, keep).item()
"""),
    "divided by all tokens": ("cross-entropy", "values", "cross-entropy/divided-by-all-tokens", changed(
        CROSS_ENTROPY, "keep.sum().clamp(min=1)", "keep.numel()")),
    "smoothing without a gradient": ("cross-entropy", "gradient", "", changed(
        CROSS_ENTROPY, "smoothing * log_p.mean(dim=-1)", "smoothing * log_p.detach().mean(dim=-1)")),
    "heads by a view alone": ("multi-head", "values", "multi-head/reshaped-without-turning", changed(
        MULTI_HEAD, "(x @ w).view(b, t, n_heads, c // n_heads).transpose(1, 2)", "(x @ w).view(b, n_heads, t, c // n_heads)")),
    "scaled by the width of the model": ("multi-head", "values", "multi-head/scaled-by-the-whole-width", changed(
        MULTI_HEAD, "math.sqrt(c // n_heads)", "math.sqrt(c)")),
    "values cut off": ("multi-head", "gradient", "", changed(MULTI_HEAD, "dim=-1) @ v", "dim=-1) @ v.detach()")),
    "halves": ("rope", "values", "rope/halves", changed(
        changed(ROPE, "x[..., 0::2], x[..., 1::2]", "x.chunk(2, dim=-1)"),
        "torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)",
        "torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)")),
    "rope without start": ("rope", "values", "rope/start-left-out", changed(ROPE, "torch.arange(start, start + t)", "torch.arange(t)")),
    "one term of rope cut off": ("rope", "gradient", "", changed(ROPE, "a * sin + b * cos", "a.detach() * sin + b * cos")),
    "a gradient of the sign": ("attention", "gradient", "", ATTENTION + """
class Turned(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, dy):
        return -dy

whole = attention

def attention(q, k, v, mask=None):
    return whole(Turned.apply(q), k, v, mask)
"""),
}  # fmt: skip
