"""Answers to the problems about the parts of a block: softmax, norms, activations, and the loss."""

# ruff: noqa: E501
from __future__ import annotations

from typing import Any

from tests.torch_judge.answering import Problem, Wrong, changed, of_function, of_module, randoms

SOFTMAX = """
import torch

def my_softmax(x, dim=-1):
    e = torch.exp(x - x.amax(dim=dim, keepdim=True))
    return e / e.sum(dim=dim, keepdim=True)
"""
TOP, OVER = "x.amax(dim=dim, keepdim=True)", "e / e.sum(dim=dim, keepdim=True)"

softmax = Problem(
    "softmax",
    SOFTMAX,
    (
        Wrong("the maximum is not subtracted", changed(SOFTMAX, ("torch.exp(x - " + TOP + ")", "torch.exp(x)")), "softmax/maximum-not-subtracted"),
        Wrong("always along the last axis", changed(SOFTMAX, (TOP, "x.amax(dim=-1, keepdim=True)"), (OVER, "e / e.sum(dim=-1, keepdim=True)")), "softmax/always-the-last-axis"),
        Wrong("over all numbers", changed(SOFTMAX, (OVER, "e / e.sum()")), "softmax/over-all-numbers"),
        Wrong("the maximum is that of the whole tensor", changed(SOFTMAX, (TOP, "x.max()")), "softmax/maximum-of-all"),
        Wrong("not divided", changed(SOFTMAX, (OVER, "e")), "softmax/not-divided"),
        Wrong("powers of two", changed(SOFTMAX, ("torch.exp(", "torch.exp2(")), "softmax/powers-of-two"),
        Wrong("log of the weights", changed(SOFTMAX, (OVER, "torch.log(" + OVER + ")")), "softmax/log-of-the-weights"),
        Wrong("a small number is added to the sum", changed(SOFTMAX, (OVER, "e / (e.sum(dim=dim, keepdim=True) + 1e-6)")), "softmax/small-number-in-the-sum"),
        Wrong("the sum is cut off from the gradient (cross term missing)", changed(SOFTMAX, (OVER, "e / e.sum(dim=dim, keepdim=True).detach()")), "softmax-backward/inner-sum-missing"),
        Wrong("x is written to", changed(SOFTMAX, ("torch.exp(x - " + TOP + ")", "torch.exp(x - " + TOP + ") if x.requires_grad else x.sub_(" + TOP + ").exp()"))),
    ),
    of_function(lambda: (_rows_far_apart(),), dim=1),
    {"by logsumexp": """
import torch

def my_softmax(x, dim=-1):
    return torch.exp(x - torch.logsumexp(x, dim=dim, keepdim=True))
"""},
)  # fmt: skip


def _rows_far_apart() -> Any:
    """Two slices along axis 1 of very different size, so that one maximum does not fit both."""
    import torch

    return torch.randn(2, 3, 4) + torch.tensor([0.0, 1000.0]).reshape(2, 1, 1)


LOSS = """
import torch

def cross_entropy_loss(logits, targets):
    log_p = logits - torch.logsumexp(logits, dim=-1, keepdim=True)
    return -log_p[torch.arange(targets.size(0)), targets].mean()
"""

loss = Problem(
    "cross_entropy",
    LOSS,
    (
        Wrong("the maximum is not subtracted", changed(LOSS, ("torch.logsumexp(logits, dim=-1, keepdim=True)", "torch.log(torch.exp(logits).sum(-1, keepdim=True))")), "cross-entropy/no-maximum"),
        Wrong("sum for mean", changed(LOSS, (".mean()", ".sum()")), "cross-entropy/sum-for-mean"),
        Wrong("divided by the number of classes", changed(LOSS, (".mean()", ".sum() / logits.size(-1)"))),
        Wrong("in bits", changed(LOSS, (".mean()", ".mean() / 0.6931471805599453")), "cross-entropy/in-bits"),
        Wrong("the sign is missing", changed(LOSS, ("return -log_p", "return log_p")), "cross-entropy/sign-missing"),
        Wrong("the mean of the losses' absolute values of all classes", changed(LOSS, ("log_p[torch.arange(targets.size(0)), targets]", "log_p"))),
        Wrong("a small number is added to the probability", changed(LOSS, ("return -log_p[", "log_p = torch.log(torch.exp(log_p) + 1e-8)\n    return -log_p[")), "cross-entropy/clipped"),
        Wrong("the normaliser is cut off from the gradient", changed(LOSS, ("dim=-1, keepdim=True)", "dim=-1, keepdim=True).detach()"))),
    ),
    of_function(lambda: (_far_up(), _targets())),
)  # fmt: skip


def _far_up() -> Any:
    """Logits of which one row is too large for exp, and one gives its label next to no probability."""
    import torch

    logits = torch.randn(5, 4) + torch.tensor([0.0, 0.0, 1000.0, 0.0, 0.0]).reshape(5, 1)
    logits[3, 1] -= 40
    return logits


def _targets() -> Any:
    import torch

    return torch.tensor([0, 3, 1, 1, 2])


NORM = """
import torch

def my_layer_norm(x, gamma, beta, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)
    var = x.var(dim=-1, keepdim=True, unbiased=False)
    return gamma * (x - mean) / torch.sqrt(var + eps) + beta
"""

norm = Problem(
    "layernorm",
    NORM,
    (
        Wrong("the variance divides by C - 1", changed(NORM, (", unbiased=False", "")), "layer-norm/divided-by-c-less-one"),
        Wrong("eps outside of the root", changed(NORM, ("torch.sqrt(var + eps)", "(torch.sqrt(var) + eps)")), "layer-norm/eps-outside-the-root"),
        Wrong("eps is left out", changed(NORM, ("var + eps", "var")), "layer-norm/eps-left-out"),
        Wrong("divided by the variance", changed(NORM, ("torch.sqrt(var + eps)", "(var + eps)")), "layer-norm/divided-by-the-variance"),
        Wrong("the mean is not subtracted", changed(NORM, ("(x - mean)", "x")), "layer-norm/mean-not-subtracted"),
        Wrong("over the batch", changed(NORM, ("x.mean(dim=-1,", "x.mean(dim=0,"), ("x.var(dim=-1,", "x.var(dim=0,")), "layer-norm/over-the-batch"),
        Wrong("over everything", NORM.replace("dim=-1, keepdim=True, unbiased", "unbiased").replace("dim=-1, keepdim=True", ""), "layer-norm/over-everything"),
        Wrong("gamma and beta are left out", changed(NORM, ("gamma * ", ""), (" + beta", " + 0 * (gamma + beta)")), "layer-norm/gain-and-offset-left-out"),
        Wrong("the offset is multiplied by the gain", changed(NORM, (" + beta", " + gamma * beta")), "layer-norm/offset-inside"),
        Wrong("RMSNorm", changed(NORM, ("mean = x.mean(dim=-1, keepdim=True)", "mean = 0"), ("x.var(dim=-1, keepdim=True, unbiased=False)", "x.pow(2).mean(dim=-1, keepdim=True)")), "layer-norm/rms-norm"),
        Wrong("the variance is cut off from the gradient", changed(NORM, ("torch.sqrt(var + eps)", "torch.sqrt(var.detach() + eps)")), "layer-norm-backward/variance-term-missing"),
        Wrong("the mean is cut off from the gradient", changed(NORM, ("(x - mean)", "(x - mean.detach())")), "layer-norm-backward/mean-term-missing"),
        Wrong("beta gets no gradient", changed(NORM, (" + beta", " + beta.detach()"))),
        Wrong("x is centred in place", changed(NORM, ("    return", "    x, mean = (x, mean) if x.requires_grad else (x.sub_(mean), 0)\n    return"))),
    ),
    of_function(randoms((2, 3, 4), (4,), (4,), by=0.01), eps=0.1),
    {"by the library": """
import torch.nn.functional as F

def my_layer_norm(x, gamma, beta, eps=1e-5):
    return F.layer_norm(x, (x.size(-1),), gamma, beta, eps)
"""},
)  # fmt: skip

RMS = """
import torch

def rms_norm(x, weight, eps=1e-6):
    return x / torch.sqrt(x.pow(2).mean(dim=-1, keepdim=True) + eps) * weight
"""

rms = Problem(
    "rmsnorm",
    RMS,
    (
        Wrong("eps is left out", changed(RMS, (" + eps", ""))),
        Wrong("eps outside of the root", changed(RMS, ("torch.sqrt(x.pow(2).mean(dim=-1, keepdim=True) + eps)", "(torch.sqrt(x.pow(2).mean(dim=-1, keepdim=True)) + eps)"))),
        Wrong("sum for mean", changed(RMS, (".mean(", ".sum(")), "cross-entropy/sum-for-mean"),
        Wrong("the mean is subtracted first", changed(RMS, ("return x / torch.sqrt(x", "x = x - x.mean(-1, keepdim=True)\n    return x / torch.sqrt(x")), "rms-norm/layer-norm"),
        Wrong("the weight counts from 1: 1 + weight", changed(RMS, ("* weight", "* (1 + weight)")), "rms-norm/gain-counted-from-one"),
        Wrong("the root is cut off from the gradient", changed(RMS, (" + eps)", " + eps).detach()")), "rms-norm-backward/root-is-constant"),
        Wrong("over everything", changed(RMS, ("dim=-1, keepdim=True", ""))),
    ),
    of_function(randoms((2, 3, 4), (4,), by=0.01), eps=0.1),
)  # fmt: skip

GELU = """
import math, torch

def my_gelu(x):
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
"""

gelu = Problem(
    "gelu",
    GELU,
    (
        Wrong("the root of 2 is left out", changed(GELU, (" / math.sqrt(2)", "")), "gelu/root-of-two-missing"),
        Wrong("x * sigmoid(1.702 x)", changed(GELU, ("x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))", "x * torch.sigmoid(1.702 * x)")), "gelu/logistic-for-the-share"),
        Wrong("x * sigmoid(x), that is SiLU", changed(GELU, ("x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))", "x * torch.sigmoid(x)")), "gelu/silu"),
        Wrong("the gate is cut off from the gradient", changed(GELU, ("torch.erf(x /", "torch.erf(x.detach() /"))),
        Wrong("ReLU beyond 2.5", changed(GELU, ("    return x", "    return torch.where(x.abs() > 2.5, torch.relu(x), 0.0) + (x.abs() <= 2.5) * x"))),
    ),
    of_function(lambda: (_wide(),)),
)  # fmt: skip


def _wide() -> Any:
    import torch

    return torch.linspace(-4.0, 4.1, 24).reshape(2, 3, 4)


SWIGLU = """
import torch
from torch import nn

class SwiGLUMLP(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = nn.Linear(d_model, d_ff), nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)

    def forward(self, x):
        gate = self.gate_proj(x)
        return self.down_proj(gate * torch.sigmoid(gate) * self.up_proj(x))
"""

swiglu = Problem(
    "mlp",
    SWIGLU,
    (
        Wrong("gate and up exchanged", changed(SWIGLU, ("gate = self.gate_proj(x)", "gate = self.up_proj(x)"), ("* self.up_proj(x)", "* self.gate_proj(x)"))),
        Wrong("sigmoid for SiLU (GLU)", changed(SWIGLU, ("gate * torch.sigmoid(gate)", "torch.sigmoid(gate)"))),
        Wrong("ReLU for SiLU", changed(SWIGLU, ("gate * torch.sigmoid(gate)", "torch.relu(gate)"))),
        Wrong("added, not multiplied", changed(SWIGLU, (" * self.up_proj", " + self.up_proj"))),
        Wrong("the sigmoid is cut off from the gradient", changed(SWIGLU, ("torch.sigmoid(gate)", "torch.sigmoid(gate.detach())"))),
    ),
    of_module(lambda kind: kind(4, 6), randoms((2, 3, 4))),
)  # fmt: skip

PROBLEMS = (softmax, loss, norm, rms, gelu, swiglu)
