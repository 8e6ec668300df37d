"""Answers to the problems whose answer is a function of queries, keys and values."""

# ruff: noqa: E501
from __future__ import annotations

from typing import Any

from tests.torch_judge.answering import Problem, Wrong, changed, of_function


def qkv(*, same: bool = False, large: float = 1.0) -> Any:
    """Queries, keys and values with all sizes different.  same: as many queries as keys.  large: times the second text."""

    def arguments() -> tuple[Any, ...]:
        import torch

        t, s = (5, 5) if same else (3, 5)
        by = torch.tensor([1.0, large]).reshape(2, 1, 1)
        return by * torch.randn(2, t, 4), by * torch.randn(2, s, 4), torch.randn(2, s, 6)

    return arguments


ATTENTION = """
import math, torch

def scaled_dot_product_attention(Q, K, V):
    scores = torch.bmm(Q, K.transpose(1, 2)) / math.sqrt(K.size(-1))
    weights = torch.softmax(scores, dim=-1)
    return torch.bmm(weights, V)
"""
SCALE, WEIGHTS, SUM = " / math.sqrt(K.size(-1))", "torch.softmax(scores, dim=-1)", "torch.bmm(weights, V)"
#: right numbers, and a backward without the term that every weight of a row shares
CUT = """(lambda e: e / e.sum(dim=-1, keepdim=True).detach())(torch.exp(scores - scores.amax(-1, keepdim=True).detach()))"""

attention = Problem(
    "attention",
    ATTENTION,
    (
        Wrong("no scale", changed(ATTENTION, (SCALE, "")), "attention/not-scaled"),
        Wrong("divided by d", changed(ATTENTION, (SCALE, " / K.size(-1)")), "attention/divided-by-d"),
        Wrong("times sqrt(d)", changed(ATTENTION, (SCALE, " * math.sqrt(K.size(-1))")), "attention/multiplied-by-the-root"),
        Wrong("divided by the root of the number of keys", changed(ATTENTION, (SCALE, " / math.sqrt(K.size(1))")),
              "attention/root-of-the-keys-number"),
        Wrong("divided by the root of the values' width", changed(ATTENTION, (SCALE, " / math.sqrt(V.size(-1))")),
              "attention/root-of-the-values-width"),
        Wrong("scaled behind the softmax", changed(ATTENTION, (SCALE, ""), (WEIGHTS, WEIGHTS + SCALE)),
              "attention/scaled-behind-the-softmax"),
        Wrong("softmax over the queries", changed(ATTENTION, (WEIGHTS, "torch.softmax(scores, dim=1)")),
              "attention/softmax-over-queries"),
        Wrong("no softmax", changed(ATTENTION, (WEIGHTS, "scores")), "attention/no-softmax"),
        Wrong("keys used as values, filled up with zeros", changed(
            ATTENTION, (SUM, "torch.bmm(weights, torch.nn.functional.pad(K, (0, V.size(-1) - K.size(-1))))")), "attention/keys-as-values"),
        Wrong("the sum of a row is cut off from the gradient (cross term missing)", changed(ATTENTION, (WEIGHTS, CUT)),
              "attention-backward/cross-term-missing"),
        Wrong("half of the scores is cut off from the gradient", changed(
            ATTENTION, (WEIGHTS, "torch.softmax(0.5 * scores + 0.5 * scores.detach(), dim=-1)"))),
        Wrong("Q is scaled in place", changed(
            ATTENTION, ("torch.bmm(Q, K.transpose(1, 2))" + SCALE,
                        "torch.bmm(Q.div_(math.sqrt(K.size(-1))) if not Q.requires_grad else Q / math.sqrt(K.size(-1)), "
                        "K.transpose(1, 2))"))),
    ),
    of_function(qkv()),
    {"by the library": """
import torch.nn.functional as F

def scaled_dot_product_attention(Q, K, V):
    return F.scaled_dot_product_attention(Q, K, V)
""", "by einsum, scaled queries": """
import torch

def scaled_dot_product_attention(Q, K, V):
    s = torch.einsum("btd,bsd->bts", Q * Q.shape[-1] ** -0.5, K)
    return torch.einsum("bts,bsd->btd", torch.exp(s - torch.logsumexp(s, -1, keepdim=True)), V)
"""},
)  # fmt: skip

CAUSAL = """
import math, torch

def causal_attention(Q, K, V):
    scores = torch.bmm(Q, K.transpose(1, 2)) / math.sqrt(K.size(-1))
    future = torch.triu(torch.ones(Q.size(1), K.size(1), dtype=torch.bool), diagonal=1)
    scores = scores.masked_fill(future, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    return torch.bmm(weights, V)
"""

causal = Problem(
    "causal_attention",
    CAUSAL,
    (
        Wrong("no scale", changed(CAUSAL, (SCALE, "")), "attention/not-scaled"),
        Wrong("divided by d", changed(CAUSAL, (SCALE, " / K.size(-1)")), "attention/divided-by-d"),
        Wrong("times sqrt(d)", changed(CAUSAL, (SCALE, " * math.sqrt(K.size(-1))")), "attention/multiplied-by-the-root"),
        Wrong("the mask is put on behind the softmax", changed(
            CAUSAL, ('    scores = scores.masked_fill(future, float("-inf"))\n', ""),
            (WEIGHTS, WEIGHTS + ".masked_fill(future, 0)")), "attention/mask-behind-the-softmax"),
        Wrong("blocked scores are 0", changed(CAUSAL, ('float("-inf")', "0.0")), "attention/scores-times-mask"),
        Wrong("no mask", changed(CAUSAL, ('scores.masked_fill(future, float("-inf"))', "scores")), "attention/mask-left-out"),
        Wrong("the mask lets one future token through", changed(CAUSAL, ("diagonal=1", "diagonal=2"))),
        Wrong("scores do not count: the mean of the past", changed(CAUSAL, (WEIGHTS, "torch.softmax(0 * scores, dim=-1)"))),
        Wrong("every score is doubled", changed(CAUSAL, (WEIGHTS, "torch.softmax(2 * scores, dim=-1)"))),
        Wrong("keys and queries exchanged", changed(CAUSAL, ("torch.bmm(Q, K.transpose(1, 2))", "torch.bmm(K, Q.transpose(1, 2))"))),
        Wrong("the sum of a row is cut off from the gradient (cross term missing)", changed(CAUSAL, (WEIGHTS, CUT)),
              "attention-backward/cross-term-missing"),
    ),
    of_function(qkv(same=True)),
    {"by the library": """
import torch.nn.functional as F

def causal_attention(Q, K, V):
    return F.scaled_dot_product_attention(Q, K, V, is_causal=True)
"""},
)  # fmt: skip

WINDOW = """
import math, torch

def sliding_window_attention(Q, K, V, window_size):
    scores = torch.bmm(Q, K.transpose(1, 2)) / math.sqrt(K.size(-1))
    places = torch.arange(Q.size(1))
    far = (places[:, None] - places[None, :]).abs() > window_size
    scores = scores.masked_fill(far, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    return torch.bmm(weights, V)
"""

window = Problem(
    "sliding_window",
    WINDOW,
    (
        Wrong("no scale", changed(WINDOW, (SCALE, "")), "attention/not-scaled"),
        Wrong("the window is twice as wide", changed(WINDOW, ("> window_size", "> 2 * window_size"))),
        Wrong("the window is one wider where it is not 0", changed(WINDOW, ("> window_size", "> window_size + (window_size > 0)"))),
        Wrong("the window ends one earlier", changed(WINDOW, ("> window_size", ">= window_size"))),
        Wrong("only the past is in the window", changed(
            WINDOW, ("(places[:, None] - places[None, :]).abs() > window_size",
                     "((places[:, None] - places[None, :]) > window_size) | (places[:, None] < places[None, :])"))),
        Wrong("no mask", changed(WINDOW, ('scores.masked_fill(far, float("-inf"))', "scores"))),
        Wrong("blocked scores are 0", changed(WINDOW, ('float("-inf")', "0.0"))),
        Wrong("the sum of a row is cut off from the gradient (cross term missing)", changed(WINDOW, (WEIGHTS, CUT)),
              "attention-backward/cross-term-missing"),
    ),
    of_function(qkv(same=True), window_size=1),
)  # fmt: skip

LINEAR = """
import torch
import torch.nn.functional as F

def linear_attention(Q, K, V):
    q, k = F.elu(Q) + 1, F.elu(K) + 1
    summed = torch.bmm(k.transpose(1, 2), V)
    total = torch.bmm(q, k.sum(dim=1, keepdim=True).transpose(1, 2))
    return torch.bmm(q, summed) / total
"""

linear = Problem(
    "linear_attention",
    LINEAR,
    (
        Wrong("V is returned", LINEAR.replace("torch.bmm(q, summed) / total", "V + 0 * (Q.sum() + K.sum())")),
        Wrong("not normalised", changed(LINEAR, (" / total", ""))),
        Wrong("normalised by the number of keys", changed(LINEAR, (" / total", " / K.size(1)"))),
        Wrong("the feature map is exp, not elu + 1", changed(
            LINEAR, ("F.elu(Q) + 1, F.elu(K) + 1", "torch.exp(Q), torch.exp(K)"))),
        Wrong("keys are not mapped", changed(LINEAR, ("F.elu(Q) + 1, F.elu(K) + 1", "F.elu(Q) + 1, K"))),
        Wrong("the normaliser is cut off from the gradient", changed(LINEAR, (" / total", " / total.detach()"))),
        Wrong("causal, which nobody asked for", changed(LINEAR, (
            "    summed = torch.bmm(k.transpose(1, 2), V)\n",
            "    w = torch.tril(torch.bmm(q, k.transpose(1, 2)))\n    return torch.bmm(w, V) / w.sum(-1, keepdim=True)\n"
            "    summed = torch.bmm(k.transpose(1, 2), V)\n"))),
    ),
    of_function(qkv(same=True)),
)  # fmt: skip

FLASH = """
import math, torch

def flash_attention(Q, K, V, block_size):
    out = []
    for start in range(0, Q.size(1), block_size):
        q = Q[:, start : start + block_size] / math.sqrt(Q.size(-1))
        top = torch.full(q.shape[:2], float("-inf")).unsqueeze(-1)
        total, summed = torch.zeros_like(top), torch.zeros(*q.shape[:2], V.size(-1))
        for at in range(0, K.size(1), block_size):
            scores = torch.bmm(q, K[:, at : at + block_size].transpose(1, 2))
            larger = torch.maximum(top, scores.amax(dim=-1, keepdim=True))
            old, e = torch.exp(top - larger), torch.exp(scores - larger)
            total = old * total + e.sum(dim=-1, keepdim=True)
            summed = old * summed + torch.bmm(e, V[:, at : at + block_size])
            top = larger
        out.append(summed / total)
    return torch.cat(out, dim=1)
"""

flash = Problem(
    "flash_attention",
    FLASH,
    (
        Wrong("no scale", changed(FLASH, (" / math.sqrt(Q.size(-1))", ""))),
        Wrong("the old sums are not rescaled", changed(FLASH, ("torch.exp(top - larger), torch", "torch.ones_like(top), torch"))),
        Wrong("only the sum is rescaled", changed(FLASH, ("old * summed +", "summed +"))),
        Wrong("the maximum is that of the block", changed(
            FLASH, ("torch.maximum(top, scores.amax(dim=-1, keepdim=True))", "scores.amax(dim=-1, keepdim=True)"),
            ("torch.exp(top - larger), torch", "torch.ones_like(top), torch"))),
        Wrong("the last block is left out where it is short", changed(
            FLASH, ("range(0, K.size(1), block_size)", "range(0, K.size(1) - K.size(1) % block_size, block_size)"))),
        Wrong("no maximum: large scores overflow", FLASH.replace("larger = torch.maximum(top, scores.amax(dim=-1, keepdim=True))", "larger = torch.zeros_like(top)")
              .replace("torch.exp(top - larger), torch.exp(scores - larger)", "torch.ones_like(top), torch.exp(scores)")),
        Wrong("the sum is cut off from the gradient (cross term missing)", changed(FLASH, ("summed / total", "summed / total.detach()")),
              "attention-backward/cross-term-missing"),
    ),
    of_function(qkv(large=40.0), block_size=2),
)  # fmt: skip

PROBLEMS = (attention, causal, window, linear, flash)
