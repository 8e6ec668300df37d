"""What a decoder-only model of any size holds, computes and stores, counted map by map and product by product.

Nothing is allocated: a model of 400 billion parameters is listed as fast as a tiny one.  `parameters` names every array
that DecoderOnly owns, `token_costs` every matrix product of one pass in the order of the code, `stored` every array of
keys and values.  One multiply-add is two FLOPs, as in counting.py.
Sources: Vaswani et al. 2017 (sizes); Shazeer 2020, "GLU Variants Improve Transformer" (three maps); Ainslie et al.
2023, "GQA" (fewer key heads); Jiang et al. 2023, "Mistral 7B", section 2 (a window, and a buffer as long as it).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tfx.measure.counting import Cost, matmul


@dataclass(frozen=True)
class DecoderSizes:
    """C = width, H = heads of G = key_heads keys and values, D = head_width, F = d_ff, V = vocab.

    gated: three maps in the network (SwiGLU), else two.  bias: offsets in maps and norms.  max_len: rows of a learned
    table of places, 0 for none.  tied: the output is the embedding once more.  experts, chosen: networks in a layer,
    and how many of them a token passes.  window: the last so many tokens that are attended to, None for all.
    """

    layers: int
    width: int
    heads: int
    key_heads: int
    head_width: int
    d_ff: int
    vocab: int
    gated: bool = True
    bias: bool = False
    max_len: int = 0
    tied: bool = False
    experts: int = 1
    chosen: int = 1
    window: int | None = None


@dataclass(frozen=True)
class Owned:
    """An array that the model owns `times` times.  part: "embedding", "attention", "network", "norm" or "output"."""

    part: str
    name: str
    shape: tuple[int, ...]
    times: int = 1

    @property
    def numbers(self) -> int:
        return math.prod(self.shape) * self.times


@lru_cache(maxsize=64)
def parameters(sizes: DecoderSizes) -> tuple[Owned, ...]:
    """Every array of the model.  Offsets stand beside the map that they belong to."""
    s = sizes
    queries, keys = s.heads * s.head_width, s.key_heads * s.head_width
    found = [Owned("embedding", "E", (s.vocab, s.width))]
    if s.max_len:
        found.append(Owned("embedding", "P", (s.max_len, s.width)))
    maps = [
        ("attention", "W_Q", s.width, queries, 1),
        ("attention", "W_K", s.width, keys, 1),
        ("attention", "W_V", s.width, keys, 1),
        ("attention", "W_O", queries, s.width, 1),
        ("network", "W_1", s.width, s.d_ff, s.experts),
        *([("network", "W_gate", s.width, s.d_ff, s.experts)] if s.gated else []),
        ("network", "W_2", s.d_ff, s.width, s.experts),
        *([("network", "W_router", s.width, s.experts, 1)] if s.experts > 1 else []),
    ]
    for part, name, rows, columns, copies in maps:
        found.append(Owned(part, name, (rows, columns), s.layers * copies))
        if s.bias:
            found.append(Owned(part, "b" + name[1:], (columns,), s.layers * copies))
    for name in ("gain", *(["offset"] if s.bias else [])):
        found.append(Owned("norm", name, (s.width,), 2 * s.layers + 1))
    if not s.tied:
        found.append(Owned("output", "W", (s.width, s.vocab)))
    return tuple(found)


def count(owned: Iterable[Owned], *parts: str) -> int:
    """How many numbers these arrays hold; of some parts only, where parts are named."""
    return sum(array.numbers for array in owned if not parts or array.part in parts)


def token_costs(sizes: DecoderSizes, new: int, stored: int = 0, logits: int | None = None) -> tuple[Cost, ...]:
    """The products of `new` tokens that follow `stored` ones, through the whole model: the square of scores is counted
    whole, because a mask takes products away only where a kernel leaves them out.

    logits: for how many of the new tokens the output is computed, all unless told.
    """
    s = sizes
    seen = stored + new if s.window is None else min(stored + new, s.window)
    keys = s.key_heads * s.head_width
    network = ["x W_1", *(["x W_gate"] if s.gated else [])]
    layer = (
        matmul("x W_Q", 1, new, s.width, s.heads * s.head_width),
        matmul("x W_K", 1, new, s.width, keys),
        matmul("x W_V", 1, new, s.width, keys),
        matmul("Q K^T", s.heads, new, s.head_width, seen),
        matmul("P V", s.heads, new, seen, s.head_width),
        matmul("x W_O", 1, new, s.heads * s.head_width, s.width),
        *([matmul("x W_router", 1, new, s.width, s.experts)] if s.experts > 1 else []),
        *(matmul(step, s.chosen, new, s.width, s.d_ff) for step in network),
        matmul("h W_2", s.chosen, new, s.d_ff, s.width),
        *([matmul("gates o", new, 1, s.chosen, s.width)] if s.experts > 1 else []),
    )
    output = matmul("h W", 1, new if logits is None else logits, s.width, s.vocab)
    return (*(cost for _ in range(s.layers) for cost in layer), output)


def flops(costs: Iterable[Cost], *steps: str) -> int:
    """FLOPs of these products; of some steps only, where steps are named."""
    return sum(cost.matmul_flops for cost in costs if not steps or cost.step in steps)


def stored(sizes: DecoderSizes, tokens: int) -> tuple[Owned, ...]:
    """Keys and values that one text of so many tokens leaves behind; a window keeps no more than itself."""
    kept = tokens if sizes.window is None else min(tokens, sizes.window)
    shape = (sizes.key_heads, kept, sizes.head_width)
    return tuple(Owned("attention", name, shape, sizes.layers) for name in ("K", "V"))
