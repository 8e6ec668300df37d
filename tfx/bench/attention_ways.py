"""Four ways to attend, for the benchmark `attention`, each forward alone and forward with backward.

naive          tfx.ops.attention.scaled_dot_product: all T x T scores at once
tiled          tfx.efficient.tiled_attention: tile by tile
torch_naive    the same three lines in PyTorch: q @ k^T, softmax, @ v, with autograd for the backward
torch_fused    PyTorch's scaled_dot_product_attention, which is tiled as well, in C++
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, to_numpy
from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.measure.counting_array import CountingArray, counted
from tfx.measure.verdicts import largest
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward

WAYS = ("naive", "tiled", "torch_naive", "torch_fused")
PASSES = ("forward", "both")
NAMES = {"naive": "naive", "tiled": "tiled", "torch_naive": "PyTorch naive", "torch_fused": "PyTorch fused"}

#: Those of the benchmark, one for each length, mask and pass.
Rows = Sequence[Mapping[str, Any]]

#: -> out, or out, dq, dk, dv.
Call = Callable[[], tuple[Any, ...]]


class Inputs(NamedTuple):
    """All (1, H, T, D)."""

    q: Array
    k: Array
    v: Array
    dout: Array


def select(rows: Rows, causal: bool, each: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["causal"] is causal and row["pass"] == each]


def draw(rng: np.random.Generator, heads: int, length: int, width: int, dtype: Any = "float32") -> Inputs:
    return Inputs(*(rng.standard_normal((1, heads, length, width)).astype(dtype) for _ in range(4)))


def numpy_calls(inputs: Inputs, causal: bool, xp: Any = np, naive: bool = True) -> dict[tuple[str, str], Call]:
    """(way, pass) -> call, on the device of xp; the naive way only if asked for."""
    q, k, v, dout = inputs if xp is np else (xp.asarray(x) for x in inputs)
    mask = causal_mask(q.shape[-2], xp=xp) if causal and naive else None

    def naive_pass(both: bool) -> tuple[Any, ...]:
        out, cache = attention_forward(q, k, v, mask)
        return (out, *attention_backward(dout, cache)) if both else (out,)

    def tiled_pass(both: bool) -> tuple[Any, ...]:
        out, cache = tiled_attention_forward(q, k, v, causal=causal)
        return (out, *tiled_attention_backward(dout, cache)) if both else (out,)

    calls: dict[tuple[str, str], Call] = {}
    if naive:
        calls |= {("naive", "forward"): lambda: naive_pass(False), ("naive", "both"): lambda: naive_pass(True)}
    return calls | {("tiled", "forward"): lambda: tiled_pass(False), ("tiled", "both"): lambda: tiled_pass(True)}


def torch_calls(inputs: Inputs, causal: bool, torch: Any, naive: bool = True) -> dict[tuple[str, str], Call]:
    """The same in PyTorch, on the processor."""
    q, k, v, dout = (torch.from_numpy(x) for x in inputs)
    wanted = [x.requires_grad_(True) for x in (q, k, v)]
    hidden = ~torch.from_numpy(causal_mask(q.shape[-2])) if causal and naive else None

    def naive_attention() -> Any:
        scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1]))
        if hidden is not None:
            scores = scores.masked_fill(hidden, -math.inf)
        return scores.softmax(-1) @ v

    def fused_attention() -> Any:
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)

    def forward(attention: Callable[[], Any]) -> tuple[Any, ...]:
        with torch.no_grad():
            return (attention(),)

    def both(attention: Callable[[], Any]) -> tuple[Any, ...]:
        out = attention()
        return (out, *torch.autograd.grad(out, wanted, dout))

    calls: dict[tuple[str, str], Call] = {}
    for way, attention in (("torch_naive", naive_attention), ("torch_fused", fused_attention)):
        if naive or way == "torch_fused":
            calls[way, "forward"] = lambda attention=attention: forward(attention)  # type: ignore[misc]
            calls[way, "both"] = lambda attention=attention: both(attention)  # type: ignore[misc]
    return calls


def largest_difference(have: tuple[Any, ...], want: tuple[Any, ...]) -> float:
    """Over outputs and gradients, as a share of the largest number in each."""
    pairs = zip(map(on_host, have), map(on_host, want), strict=True)
    return largest(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def on_host(array: Any) -> np.ndarray:
    return array.detach().numpy() if hasattr(array, "detach") else to_numpy(array)


def multiply_adds(inputs: Inputs, way: str, causal: bool) -> int:
    """Those that the products of forward and backward really make, on the host."""
    call = numpy_calls(Inputs(*(x.view(CountingArray) for x in inputs)), causal)[way, "both"]
    counted.reset()
    call()
    return counted.multiply_adds
