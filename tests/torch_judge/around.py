"""Answers to the problems about what stands around the blocks: positions, patches, LoRA, Adam, sampling."""

# ruff: noqa: E501
from __future__ import annotations

from typing import Any

from tests.torch_judge.answering import Problem, Seen, Wrong, changed, of_function, of_module, randoms

ROPE = """
import torch

def turned(x):
    t, d = x.shape[-2:]
    angles = torch.arange(t).unsqueeze(1) / 10000 ** (torch.arange(0, d, 2) / d)
    cos, sin, a, b = angles.cos(), angles.sin(), x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)

def apply_rope(q, k):
    return turned(q), turned(k)
"""

rope = Problem(
    "rope",
    ROPE,
    (
        Wrong("nothing is turned", changed(ROPE, ("return turned(q), turned(k)", "return q * 1, k * 1")), "rope/nothing-turned"),
        Wrong("every token is turned alike", changed(ROPE, ("torch.arange(t).unsqueeze(1)", "torch.ones(t, 1)"))),
        Wrong("all pairs turn at one speed", changed(ROPE, ("(torch.arange(0, d, 2) / d)", "(0 * torch.arange(0, d, 2) / d)")), "rope/one-speed"),
        Wrong("the 2 in the exponent is missing", changed(ROPE, ("torch.arange(0, d, 2) / d", "torch.arange(d // 2) / d")), "rope/factor-two-missing"),
        Wrong("places count in degrees", changed(ROPE, ("angles = torch", "angles = 0.017453292519943295 * torch"))),
        Wrong("only the first pair is turned", changed(ROPE, ("cos, sin, a", "angles = angles * (torch.arange(d // 2) == 0)\n    cos, sin, a"))),
        Wrong("the base is 100", changed(ROPE, ("10000 **", "100 **"))),
        Wrong("q is turned, k is not", changed(ROPE, ("turned(q), turned(k)", "turned(q), k * 1"))),
        Wrong("the minus is missing", changed(ROPE, ("a * cos - b * sin", "a * cos + b * sin")), "rope/minus-missing"),
        Wrong("sines and cosines are added", changed(ROPE, ("torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1)", "torch.stack([a + sin, b + cos], dim=-1)")), "rope/added"),
        Wrong("one of four terms is cut off from the gradient", changed(ROPE, ("a * sin + b", "a.detach() * sin + b"))),
    ),
    of_function(randoms((2, 5, 6), (2, 5, 6))),
)  # fmt: skip

LORA = """
import torch
from torch import nn

class LoRALinear(nn.Module):
    def __init__(self, in_features, out_features, rank, alpha=1.0):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features).requires_grad_(False)
        self.lora_A = nn.Parameter(torch.randn(rank, in_features) * 0.01)
        self.lora_B = nn.Parameter(torch.zeros(out_features, rank))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + (x @ self.lora_A.T @ self.lora_B.T) * self.scale
"""


def _learning(module: Any, x: Any) -> Any:
    """With B filled, and as it begins: a layer that cannot begin to learn gives no gradient there."""
    import torch

    fresh = type(module)(4, 5, 3, alpha=2.0)
    with torch.enable_grad():
        fresh(torch.ones(1, 4)).sum().backward()
    moves = float(fresh.lora_B.grad.abs().sum() > 0)
    with torch.no_grad():
        module.lora_B.copy_(torch.linspace(-1, 1, module.lora_B.numel()).reshape(module.lora_B.shape))
    return module(x), torch.tensor([moves])


lora = Problem(
    "lora",
    LORA,
    (
        Wrong("the scale is left out", changed(LORA, (" * self.scale", ""))),
        Wrong("the scale is rank / alpha", changed(LORA, ("alpha / rank", "rank / alpha"))),
        Wrong("the scale is alpha", changed(LORA, ("alpha / rank", "alpha"))),
        Wrong("the scale is alpha / sqrt(rank)", changed(LORA, ("alpha / rank", "alpha / rank ** 0.5"))),
        Wrong("A begins with zeros too, so that nothing is ever learned", changed(LORA, ("torch.randn(rank, in_features) * 0.01", "torch.zeros(rank, in_features)"))),
        Wrong("the weight alone is frozen, the offset is not", changed(LORA, (".requires_grad_(False)", "\n        self.linear.weight.requires_grad_(False)"))),
        Wrong("the way through A and B gives the input no gradient", changed(LORA, ("(x @ self.lora_A.T", "(x.detach() @ self.lora_A.T"))),
    ),
    of_module(lambda kind: kind(4, 5, 3, alpha=2.0), randoms((2, 4)), _learning),
)  # fmt: skip

PATCHES = """
import torch
from torch import nn

class PatchEmbedding(nn.Module):
    def __init__(self, img_size, patch_size, in_channels, embed_dim):
        super().__init__()
        self.p, self.num_patches = patch_size, (img_size // patch_size) ** 2
        self.proj = nn.Linear(in_channels * patch_size ** 2, embed_dim)

    def forward(self, x):
        b, c, h, w = x.shape
        x = x.reshape(b, c, h // self.p, self.p, w // self.p, self.p)
        x = x.permute(0, 2, 4, 1, 3, 5).reshape(b, self.num_patches, -1)
        return self.proj(x)
"""

patches = Problem(
    "vit_patch",
    PATCHES,
    (
        Wrong("numbers are cut off the image in one row, without patches", changed(PATCHES, ("x = x.permute(0, 2, 4, 1, 3, 5).reshape", "x = x.reshape"))),
        Wrong("patches run down before they run right", changed(PATCHES, ("permute(0, 2, 4, 1, 3, 5)", "permute(0, 4, 2, 1, 3, 5)"))),
        Wrong("every patch is the first one", changed(PATCHES, ("return self.proj(x)", "return self.proj(x[:, :1].expand(x.shape) + 0 * x)"))),
        Wrong("rows and columns of patch and place exchanged", changed(PATCHES, ("permute(0, 2, 4, 1, 3, 5)", "permute(0, 3, 5, 1, 2, 4)"))),
    ),
    of_module(lambda kind: kind(6, 2, 3, 4), randoms((2, 3, 6, 6))),
)  # fmt: skip

ADAM = """
import torch

class MyAdam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params, self.lr, self.betas, self.eps, self.t = list(params), lr, betas, eps, 0
        self.m = [torch.zeros_like(one) for one in self.params]
        self.v = [torch.zeros_like(one) for one in self.params]

    @torch.no_grad()
    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for w, m, v in zip(self.params, self.m, self.v):
            m.mul_(b1).add_((1 - b1) * w.grad)
            v.mul_(b2).add_((1 - b2) * w.grad ** 2)
            m_hat, v_hat = m / (1 - b1 ** self.t), v / (1 - b2 ** self.t)
            w -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)

    def zero_grad(self):
        for w in self.params:
            if w.grad is not None:
                w.grad.zero_()
"""


def _trained(kind: Any, right: Any) -> Seen:
    """Two parameters, four steps, and every option off its default."""
    import torch

    torch.manual_seed(7)
    a, b = torch.randn(3, 2).requires_grad_(), torch.randn(4).requires_grad_()
    optimizer = kind([a, b], lr=0.05, betas=(0.8, 0.95), eps=0.1)
    for step in range(4):
        (0.3 * (a**2).sum() + (b**3).sum() + step * (b * b).sum()).backward()
        optimizer.step()
        optimizer.zero_grad()
    return Seen([a.detach(), b.detach()])


adam = Problem(
    "adam",
    ADAM,
    (
        Wrong("no bias correction", changed(ADAM, ("m / (1 - b1 ** self.t), v / (1 - b2 ** self.t)", "m, v")), "adam/no-correction"),
        Wrong("bias correction of m alone", changed(ADAM, ("v / (1 - b2 ** self.t)", "v")), "adam/mean-alone-corrected"),
        Wrong("corrections exchanged", changed(ADAM, ("m / (1 - b1 ** self.t), v / (1 - b2 ** self.t)", "m / (1 - b2 ** self.t), v / (1 - b1 ** self.t)"))),
        Wrong("eps inside of the root", changed(ADAM, ("torch.sqrt(v_hat) + self.eps", "torch.sqrt(v_hat + self.eps)")), "adam/eps-in-the-root"),
        Wrong("eps is left out", changed(ADAM, (" + self.eps", "")), "adam/eps-left-out"),
        Wrong("eps is 1e-8, whatever is asked for", changed(ADAM, (" + self.eps", " + 1e-8"))),
        Wrong("betas are 0.9 and 0.999, whatever is asked for", changed(ADAM, ("b1, b2 = self.betas", "b1, b2 = 0.9, 0.999"))),
        Wrong("steps are counted once for every parameter", changed(ADAM, ("        self.t += 1\n", ""), ("            m.mul_", "            self.t += 1\n            m.mul_"))),
        Wrong("only the first parameter moves", changed(ADAM, ("zip(self.params, self.m, self.v)", "list(zip(self.params, self.m, self.v))[:1]"))),
        Wrong("the gradient is not squared", changed(ADAM, ("w.grad ** 2", "w.grad.abs()"))),
        Wrong("steps are counted from 0", changed(ADAM, ("eps, 0\n", "eps, -1\n"), ("1 - b1 ** self.t", "1 - b1 ** max(self.t, 1)"), ("1 - b2 ** self.t", "1 - b2 ** max(self.t, 1)")), "adam/steps-from-zero"),
    ),
    _trained,
)  # fmt: skip

SAMPLE = """
import torch

def sample_top_k_top_p(logits, temperature=1.0, top_k=0, top_p=1.0):
    logits = logits / temperature
    if top_k > 0:
        logits = logits.masked_fill(logits < logits.topk(top_k).values[-1], float("-inf"))
    if top_p < 1.0:
        down, order = logits.sort(descending=True)
        p = torch.softmax(down, dim=-1)
        logits = logits.index_fill(0, order[p.cumsum(0) - p > top_p], float("-inf"))
    return torch.multinomial(torch.softmax(logits, dim=-1), 1).item()
"""


def _drawn(function: Any, right: Any) -> Seen:
    """Which of six tokens come up in 300 draws, and how often the likeliest does, for three settings."""
    import torch

    logits = torch.tensor([2.0, 0.3, 1.2, -0.5, 0.9, -2.0])
    values = []
    for options in ({"top_p": 0.6}, {"top_k": 3}, {"top_k": 4, "top_p": 0.7, "temperature": 2.0}):
        torch.manual_seed(3)
        drawn = torch.tensor([function(logits.clone(), **options) for _ in range(300)])
        values.append(torch.bincount(drawn, minlength=6) > 0)
    return Seen(values)


sampling = Problem(
    "topk_sampling",
    SAMPLE,
    (
        Wrong("top_p is ignored", changed(SAMPLE, ("if top_p < 1.0:", "if False:"))),
        Wrong("top_k keeps one more, but for top_k = 1", changed(SAMPLE, ("logits.topk(top_k)", "logits.topk(top_k + (top_k > 1))")), "top-k/one-too-many"),
        Wrong("top_k of 2 and more is ignored", changed(SAMPLE, ("if top_k > 0:", "if top_k == 1:"))),
        Wrong("top_p keeps the likely tokens only by their own probability", changed(SAMPLE, ("p.cumsum(0) - p > top_p", "p < 1 - top_p")), "nucleus/p-as-a-bound"),
        Wrong("temperature is put on behind the cut", changed(SAMPLE, ("    logits = logits / temperature\n", ""), ("torch.softmax(logits, dim=-1), 1", "torch.softmax(logits / temperature, dim=-1), 1"))),
        Wrong("temperature multiplies", changed(SAMPLE, ("logits / temperature", "logits * temperature"))),
        Wrong("the cut is put on in sorted order", changed(SAMPLE, ("order[p.cumsum(0) - p > top_p]", "torch.arange(len(p))[p.cumsum(0) - p > top_p]")), "nucleus/order-not-undone"),
    ),
    _drawn,
)  # fmt: skip

PROBLEMS = (rope, lora, patches, adam, sampling)
