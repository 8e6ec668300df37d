"""Answers to the problems whose answer is a layer: heads, caches, blocks, experts."""

# ruff: noqa: E501
from __future__ import annotations

from typing import Any

from tests.torch_judge.answering import Problem, Wrong, changed, of_module, randoms

#: what the layers below share: queries, keys and values of all heads, and heads put side by side again
HEADS = """
import math, torch
from torch import nn

def split(x, heads):
    return x.view(x.size(0), x.size(1), heads, -1).transpose(1, 2)

def joined(x):
    return x.transpose(1, 2).reshape(x.size(0), x.size(2), -1)

def attend(q, k, v, blocked=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    if blocked is not None:
        scores = scores.masked_fill(blocked, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    return weights @ v
"""
SCALE, WEIGHTS = " / math.sqrt(q.size(-1))", "torch.softmax(scores, dim=-1)"
JOIN = "x.transpose(1, 2).reshape(x.size(0), x.size(2), -1)"
SPLIT = "x.view(x.size(0), x.size(1), heads, -1).transpose(1, 2)"
CUT = "(lambda e: e / e.sum(dim=-1, keepdim=True).detach())(torch.exp(scores - scores.amax(-1, keepdim=True).detach()))"


def slips_of_heads(source: str) -> tuple[Wrong, ...]:
    """Mistakes that can be made in any layer with heads."""
    return (
        Wrong("no scale", changed(source, (SCALE, "")), "multi-head/not-scaled"),
        Wrong("divided by the width of a head", changed(source, (SCALE, " / q.size(-1)"))),
        Wrong("scaled by the width of the model", changed(source, (SCALE, " / math.sqrt(q.size(-1) * q.size(1))")),
              "multi-head/scaled-by-the-whole-width"),
        Wrong("softmax over the queries", changed(source, (WEIGHTS, "torch.nan_to_num(torch.softmax(scores, dim=-2))")), "multi-head/softmax-over-queries"),
        Wrong("no softmax", changed(source, (WEIGHTS, "torch.nan_to_num(scores, neginf=0.0)"))),
        Wrong("keys used as values", changed(source, ("weights @ v", "weights @ k + 0 * v.sum()")), "grouped-heads/keys-as-values"),
        Wrong("heads put together without turning the axes back", changed(
            source, (JOIN, "x.reshape(x.size(0), x.size(2), -1)")), "multi-head/merged-without-turning"),
        Wrong("heads cut out without turning the axes", changed(
            source, (SPLIT, "x.reshape(x.size(0), heads, x.size(1), -1)")), "multi-head/reshaped-without-turning"),
        Wrong("the sum of a row is cut off from the gradient (cross term missing)", changed(source, (WEIGHTS, CUT)),
              "attention-backward/cross-term-missing"),
    )  # fmt: skip


MHA = (
    HEADS
    + """
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.heads = num_heads
        self.W_q, self.W_k = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.W_v, self.W_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)

    def forward(self, Q, K, V):
        q, k, v = split(self.W_q(Q), self.heads), split(self.W_k(K), self.heads), split(self.W_v(V), self.heads)
        return self.W_o(joined(attend(q, k, v)))
"""
)

mha = Problem(
    "mha",
    MHA,
    (
        *slips_of_heads(MHA),
        Wrong("every text attends to all texts of the batch", changed(MHA, ("joined(attend(q, k, v))", (
            "joined(attend(*(one.transpose(0, 1).flatten(1, 2).unsqueeze(0) for one in (q, k, v)))"
            ".unflatten(2, (Q.size(0), -1))[0].transpose(0, 1))")))),
        Wrong("W_k is cut off from the gradient", changed(MHA, ("split(self.W_k(K), self.heads)", "split(self.W_k(K), self.heads).detach()"))),
        Wrong("values and keys exchanged at the input", changed(MHA, ("self.W_v(V)", "self.W_v(K)"))),
        Wrong("the last map is left out", changed(MHA, ("self.W_o(joined(attend(q, k, v)))", "joined(attend(q, k, v)) + 0 * self.W_o(Q)")), "multi-head/output-map-missing"),
    ),
    of_module(lambda kind: kind(12, 3), randoms((2, 4, 12), (2, 5, 12), (2, 5, 12))),
)  # fmt: skip

CROSS = (
    HEADS
    + """
class MultiHeadCrossAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.heads = num_heads
        self.W_q, self.W_k = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.W_v, self.W_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)

    def forward(self, x_q, x_kv):
        q, k, v = split(self.W_q(x_q), self.heads), split(self.W_k(x_kv), self.heads), split(self.W_v(x_kv), self.heads)
        return self.W_o(joined(attend(q, k, v)))
"""
)

cross = Problem(
    "cross_attention",
    CROSS,
    (
        *slips_of_heads(CROSS),
        Wrong("the last map is left out", changed(CROSS, ("self.W_o(joined(attend(q, k, v)))", "joined(attend(q, k, v)) + 0 * self.W_o(x_q)")), "multi-head/output-map-missing"),
        Wrong("the queries are added (a residual nobody asked for)", changed(CROSS, ("self.W_o(joined(attend(q, k, v)))", "x_q + self.W_o(joined(attend(q, k, v)))"))),
    ),
    of_module(lambda kind: kind(12, 3), randoms((2, 4, 12), (2, 5, 12))),
)  # fmt: skip

GQA = (
    HEADS
    + """
class GroupQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        self.heads, self.kv = num_heads, num_kv_heads
        narrow = d_model // num_heads * num_kv_heads
        self.W_q, self.W_k = nn.Linear(d_model, d_model), nn.Linear(d_model, narrow)
        self.W_v, self.W_o = nn.Linear(d_model, narrow), nn.Linear(d_model, d_model)

    def forward(self, x):
        q, k, v = split(self.W_q(x), self.heads), split(self.W_k(x), self.kv), split(self.W_v(x), self.kv)
        k, v = (one.repeat_interleave(self.heads // self.kv, dim=1) for one in (k, v))
        return self.W_o(joined(attend(q, k, v)))
"""
)

gqa = Problem(
    "gqa",
    GQA,
    (
        *slips_of_heads(GQA),
        Wrong("query heads get the groups in turn (repeat for repeat_interleave)", changed(
            GQA, ("one.repeat_interleave(self.heads // self.kv, dim=1)", "one.repeat(1, self.heads // self.kv, 1, 1)")), "grouped-heads/dealt-in-turn"),
        Wrong("every head gets the first group", changed(
            GQA, ("one.repeat_interleave(self.heads // self.kv, dim=1)", "one[:, :1].expand(-1, self.heads, -1, -1)")), "grouped-heads/first-group-for-all"),
        Wrong("the last map is left out", changed(GQA, ("self.W_o(joined(attend(q, k, v)))", "joined(attend(q, k, v)) + 0 * self.W_o(x)")), "multi-head/output-map-missing"),
    ),
    of_module(lambda kind: kind(12, 6, 3), randoms((2, 5, 12))),
)  # fmt: skip

CACHE = (
    HEADS
    + """
class KVCacheAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.heads = num_heads
        self.W_q, self.W_k = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.W_v, self.W_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)

    def forward(self, x, cache=None):
        q, k, v = split(self.W_q(x), self.heads), split(self.W_k(x), self.heads), split(self.W_v(x), self.heads)
        if cache is not None:
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)
        t, s = q.size(2), k.size(2)
        blocked = torch.ones(t, s, dtype=torch.bool).triu(diagonal=1 + s - t)
        return self.W_o(joined(attend(q, k, v, blocked))), (k, v)
"""
)


def in_chunks(module: Any, x: Any) -> Any:
    """Two tokens, then two at once, then the last."""
    import torch

    first, cache = module(x[:, :2])
    second, cache = module(x[:, 2:4], cache=cache)
    third, cache = module(x[:, 4:], cache=cache)
    return torch.cat([first, second, third], dim=1)


cache = Problem(
    "kv_cache",
    CACHE,
    (
        *slips_of_heads(CACHE),
        Wrong("two tokens at once with a cache see each other", changed(
            CACHE, ("blocked = torch", "blocked = None if cache is not None else torch"))),
        Wrong("two tokens at once with a cache: the mask forgets what is stored", changed(
            CACHE, (".triu(diagonal=1 + s - t)", ".triu(diagonal=1 if t > 1 else s)")), "kv-cache/mask-without-the-past"),
        Wrong("no mask", changed(CACHE, ("attend(q, k, v, blocked)", "attend(q, k, v)")), "gpt-step/no-mask"),
        Wrong("new keys stand before the old ones", changed(CACHE, ("torch.cat([cache[0], k], dim=2)", "torch.cat([k, cache[0]], dim=2)")), "kv-cache/put-in-front"),
    ),
    of_module(lambda kind: kind(12, 3), randoms((2, 5, 12)), in_chunks),
)  # fmt: skip

BLOCK = (
    HEADS
    + """
class GPT2Block(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.heads = num_heads
        self.ln1, self.ln2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.qkv, self.out = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def attention(self, x):
        q, k, v = (split(one, self.heads) for one in self.qkv(x).chunk(3, dim=-1))
        blocked = torch.ones(x.size(1), x.size(1), dtype=torch.bool).triu(diagonal=1)
        return self.out(joined(attend(q, k, v, blocked)))

    def forward(self, x):
        x = x + self.attention(self.ln1(x))
        return x + self.mlp(self.ln2(x))
"""
)

block = Problem(
    "gpt2_block",
    BLOCK,
    (
        *slips_of_heads(BLOCK),
        Wrong("no residuals", changed(BLOCK, ("x = x + self.attention(self.ln1(x))", "x = self.attention(self.ln1(x))"), ("return x + self.mlp", "return self.mlp")), "gpt-step/no-way-around"),
        Wrong("no residual around attention", changed(BLOCK, ("x = x + self.attention(self.ln1(x))", "x = self.attention(self.ln1(x))")), "encoder-block/no-way-around-attention"),
        Wrong("no residual around the feed-forward", changed(BLOCK, ("return x + self.mlp", "return self.mlp")), "encoder-block/no-way-around-the-network"),
        Wrong("norms behind the sums (post-norm)", changed(BLOCK, ("x = x + self.attention(self.ln1(x))", "x = self.ln1(x + self.attention(x))"), ("return x + self.mlp(self.ln2(x))", "return self.ln2(x + self.mlp(x))")), "gpt-step/post-norm"),
        Wrong("ReLU for GELU", changed(BLOCK, ("nn.GELU()", "nn.ReLU()")), "gpt-step/relu"),
        Wrong("no activation", changed(BLOCK, ("nn.GELU()", "nn.Identity()")), "encoder-block/bend-left-out"),
        Wrong("the normalised x goes past, not x", changed(BLOCK, ("x = x + self.attention(self.ln1(x))", "x = self.ln1(x)\n        x = x + self.attention(x)")), "encoder-block/sum-with-the-normalised"),
        Wrong("the second norm is given the first input", changed(BLOCK, ("        x = x + self.attention(self.ln1(x))\n        return x + self.mlp(self.ln2(x))", "        return x + self.attention(self.ln1(x)) + self.mlp(self.ln2(x))")), "encoder-block/side-by-side"),
        Wrong("no mask", changed(BLOCK, ("attend(q, k, v, blocked)", "attend(q, k, v)")), "gpt-step/no-mask"),
    ),
    of_module(lambda kind: kind(12, 3), randoms((2, 5, 12))),
)  # fmt: skip

EXPERTS = """
import torch
from torch import nn

class MixtureOfExperts(nn.Module):
    def __init__(self, d_model, d_ff, num_experts, top_k):
        super().__init__()
        self.router, self.k = nn.Linear(d_model, num_experts), top_k
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model)) for _ in range(num_experts))

    def forward(self, x):
        scores, chosen = self.router(x).topk(self.k, dim=-1)
        weights = torch.softmax(scores, dim=-1)
        every = torch.stack([one(x) for one in self.experts], dim=-2)
        taken = every.gather(-2, chosen.unsqueeze(-1).expand(*chosen.shape, x.size(-1)))
        return (weights.unsqueeze(-1) * taken).sum(dim=-2)
"""

experts = Problem(
    "moe",
    EXPERTS,
    (
        Wrong("the router is not asked: always the first experts", changed(EXPERTS, (
            "scores, chosen = self.router(x).topk(self.k, dim=-1)",
            "scores = self.router(x)[..., : self.k]\n        chosen = torch.arange(self.k).expand(scores.shape)"))),
        Wrong("the worst experts are taken", changed(EXPERTS, ("topk(self.k, dim=-1)", "topk(self.k, dim=-1, largest=False)"))),
        Wrong("all experts are mixed, whatever top_k says", changed(EXPERTS, ("topk(self.k, dim=-1)", "topk(len(self.experts), dim=-1)"))),
        Wrong("chosen experts count alike", changed(EXPERTS, ("weights = torch.softmax(scores, dim=-1)", "weights = torch.full_like(scores, 1 / self.k) + 0 * scores"))),
        Wrong("weights of the chosen do not sum to 1", changed(EXPERTS, (
            "weights = torch.softmax(scores, dim=-1)", "weights = torch.softmax(self.router(x), dim=-1).gather(-1, chosen)"))),
        Wrong("scores are the weights, without softmax", changed(EXPERTS, ("weights = torch.softmax(scores, dim=-1)", "weights = scores"))),
        Wrong("the first expert for every token and place", changed(EXPERTS, ("chosen.unsqueeze(-1)", "(0 * chosen).unsqueeze(-1)"))),
        Wrong("the router gets no gradient", changed(EXPERTS, ("torch.softmax(scores, dim=-1)", "torch.softmax(scores, dim=-1).detach()"))),
    ),
    of_module(lambda kind: kind(6, 8, 5, 2), randoms((2, 3, 6))),
)  # fmt: skip

PROBLEMS = (mha, cross, gqa, cache, block, experts)
