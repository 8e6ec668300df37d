"""Tensor parallelism: every matrix is shared out, and workers meet only where they must add up.

    feed-forward      h = act(x W1 + b1)      W1 by columns: a worker has some hidden units, and nobody waits,
                      y = h W2 + b2           because the activation works on each unit alone
                                              W2 by rows: each worker's product is a part of the sum -> all-reduce
    attention         heads are the units: W_q, W_k, W_v by columns, W_o by rows                     -> all-reduce

In backward everything turns around: dy reaches all workers whole, and x was read by all of them, so that dx is a sum ->
all-reduce.  A block has two sub-layers: two all-reduces forward, two backward, of B T C numbers each.  Norms, residuals
and the last offset, b2, are computed by every worker (here: added once).

A worker's part of a layer is that layer with the other units removed (compression/removal.py), so each part computes
with the ordinary code.  Only the order of additions differs from one machine, by rounding.
Source: Shoeybi et al. 2019, "Megatron-LM: Training Multi-Billion Parameter Language Models Using Model Parallelism",
section 3 and figures 3 and 4.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.compression.removal import remove_heads, remove_units
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.feed_forward import FeedForward
from tfx.parallel.all_reduce import AllReduce
from tfx.params import Layer

#: Along which axis the parts of a parameter lie side by side; what is not named is owned by the first worker alone.
_JOINED = {"first.w": 1, "first.b": 0, "gate.w": 1, "gate.b": 0, "second.w": 0} | {
    "query.w": 1,
    "query.b": 0,
    "key.w": 1,
    "key.b": 0,
    "value.w": 1,
    "value.b": 0,
    "output.w": 0,
}


class WholeGrad(NamedTuple):
    dx: Array


class TensorParallelFeedForward(Layer):
    """`workers`: one FeedForward each, with F / p hidden units.  Raises ValueError when p does not divide F."""

    def __init__(self, whole: FeedForward, n_workers: int, all_reduce: AllReduce) -> None:
        shares = _shares(whole.first.w.shape[1], n_workers, "hidden units")
        self.workers = [remove_units(whole, share) for share in shares]
        for worker in self.workers[1:]:
            worker.second.b = None
        self.all_reduce = all_reduce

    def forward(self, x: Array, rng: Any = None, keep: Array | None = None) -> tuple[Array, list[Any]]:
        """x: (..., C) -> y: (..., C)."""
        parts = [worker.forward(x) for worker in self.workers]
        return self.all_reduce([y for y, _ in parts]), [cache for _, cache in parts]

    def backward(self, dy: Array, cache: list[Any]) -> Array:
        """dy: (..., C) -> dx: (..., C)."""
        pairs = zip(self.workers, cache, strict=True)
        return self.all_reduce([worker.backward(dy, of_worker) for worker, of_worker in pairs])


class TensorParallelAttention(Layer):
    """`workers`: one MultiHeadAttention each, with H / p heads; self-attention.  Raises ValueError unless p divides G.

    Dropout draws other numbers than on one machine.
    """

    def __init__(self, whole: MultiHeadAttention, n_workers: int, all_reduce: AllReduce) -> None:
        _shares(whole.n_kv_heads, n_workers, "key and value heads")
        self.workers = [remove_heads(whole, share) for share in _shares(whole.n_heads, n_workers, "heads")]
        for worker in self.workers[1:]:
            worker.output.b = None
        self.all_reduce = all_reduce

    def forward(self, x: Array, mask: Array | None = None, rng: Any = None, past: Any = None) -> tuple[Array, Any]:
        """x: (B, T, C), mask broadcastable to (B, 1, T, T) -> y: (B, T, C)."""
        if past is not None:
            raise ValueError("past keys and values are not shared out here")
        parts = [worker.forward(x, mask=mask, rng=rng) for worker in self.workers]
        return self.all_reduce([y for y, _ in parts]), [cache for _, cache in parts]

    def backward(self, dy: Array, cache: list[Any], dweights: Any = None) -> WholeGrad:
        """dy: (B, T, C) -> .dx: (B, T, C)."""
        if dweights is not None:
            raise ValueError("no worker has the weights of all heads")
        pairs = zip(self.workers, cache, strict=True)
        return WholeGrad(self.all_reduce([worker.backward(dy, of_worker).dx for worker, of_worker in pairs]))


def tensor_parallel(model: Layer, n_workers: int, all_reduce: AllReduce) -> Any:
    """A copy of a model or layer whose feed-forward networks and self-attentions are shared out among workers."""
    return _shared_out(copy.deepcopy(model), n_workers, all_reduce)


def gathered(model: Layer, what: str = "grad") -> dict[str, Array]:
    """The parameters of a shared-out model, or their gradients, put together: name in the whole model -> array.

    what: "grad" or "value".
    """
    if what not in ("grad", "value"):
        raise ValueError(f'what is gathered is "grad" or "value", not {what!r}')
    parts: dict[str, list[Array]] = {}
    for name, parameter in model.parameters().items():
        before, found, after = name.partition("workers.")
        whole = before + after.partition(".")[2] if found else name
        parts.setdefault(whole, []).append(getattr(parameter, what))
    return {name: _joined(name, arrays) for name, arrays in parts.items()}


def _shared_out(part: Any, n_workers: int, all_reduce: AllReduce) -> Any:
    if isinstance(part, FeedForward):
        return TensorParallelFeedForward(part, n_workers, all_reduce)
    if isinstance(part, MultiHeadAttention):
        return TensorParallelAttention(part, n_workers, all_reduce)
    if isinstance(part, Layer):
        for name, attribute in vars(part).items():
            setattr(part, name, _shared_out(attribute, n_workers, all_reduce))
    if isinstance(part, list):
        return [_shared_out(item, n_workers, all_reduce) for item in part]
    return part


def _joined(name: str, arrays: list[Array]) -> Array:
    if len(arrays) == 1:
        return arrays[0]
    return xp_of(arrays[0]).concatenate(arrays, axis=_JOINED[".".join(name.split(".")[-2:])])


def _shares(n_units: int, n_workers: int, what: str) -> list[np.ndarray]:
    """For each worker, which units are its own: neighbours."""
    if whole_number("n_workers", n_workers) < 1 or n_units % n_workers:
        raise ValueError(f"{n_units} {what} cannot be shared out evenly among {n_workers} workers")
    return [np.arange(n_units) // (n_units // n_workers) == worker for worker in range(n_workers)]
