"""Experts chosen by a fixed hash of the token's id: no router, no gate, no loss for balance.

    y_n = FFN_table[id_n](x_n)

See ops/experts/hash_routing.py for the table.  Since x plays no part in the choice, the derivative is exact everywhere:
there is no kink where the choice would change.
Source: Roller et al. 2021, "Hash Layers For Large Sparse Models".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, to_numpy, xp_of
from tfx.nn.feed_forward import FeedForwardSettings, feed_forward_of
from tfx.ops.experts.expert_dispatch import DispatchPlan, dispatch_backward, dispatch_forward, plan_dispatch
from tfx.ops.experts.hash_routing import hash_experts
from tfx.params import Buffer, Layer


class HashExpertsCache(NamedTuple):
    shape: tuple[int, ...]
    plan: DispatchPlan
    ranges: tuple[tuple[int, int], ...]
    experts: tuple[Any, ...]


class HashExperts(Layer):
    """Owns experts: E times FeedForward(C, F), and the table: (V,), a buffer.  E is the largest entry plus one."""

    def __init__(self, settings: FeedForwardSettings, table: Array, rng: np.random.Generator) -> None:
        if table.ndim != 1 or not table.size or table.dtype.kind not in "iu" or table.min() < 0:
            raise ValueError("the table must hold the number of an expert, 0 or more, for each id of the vocabulary")
        self.table = Buffer(table)
        self.experts = [feed_forward_of(settings, rng) for _ in range(int(table.max()) + 1)]

    def forward(self, x: Array, ids: Array) -> tuple[Array, HashExpertsCache]:
        """x: (..., C), ids: (...,) the tokens they stand for -> y: (..., C).  Raises ValueError if they do not fit."""
        if ids.shape != x.shape[:-1]:
            raise ValueError(f"ids are {ids.shape} but x has tokens {x.shape[:-1]}")
        chosen = hash_experts(ids, self.table.value.astype(np.int64)).reshape(-1, 1)
        plan = plan_dispatch(chosen, len(self.experts))
        slots, _ = dispatch_forward(x.reshape(-1, x.shape[-1]), plan)
        stops = np.cumsum(to_numpy(plan.counts)).tolist()
        ranges = tuple(zip([0, *stops[:-1]], stops, strict=True))
        out, caches = xp_of(x).zeros_like(slots), []
        for expert, (start, stop) in zip(self.experts, ranges, strict=True):
            out[start:stop], cache = expert.forward(slots[start:stop])
            caches.append(cache)
        y = dispatch_backward(out, plan)  # one expert for a token: bringing back is the same gather
        return y.reshape(x.shape), HashExpertsCache(x.shape, plan, ranges, tuple(caches))

    def backward(self, dy: Array, cache: HashExpertsCache) -> Array:
        """dy: (..., C) -> dx: (..., C)."""
        dout, _ = dispatch_forward(dy.reshape(-1, dy.shape[-1]), cache.plan)  # y = the rows of out, put back in order
        dslots = xp_of(dy).zeros_like(dout)
        for expert, (start, stop), one in zip(self.experts, cache.ranges, cache.experts, strict=True):
            dslots[start:stop] = expert.backward(dout[start:stop], one)  # out = expert(slots), range by range
        return dispatch_backward(dslots, cache.plan).reshape(cache.shape)  # slots = dispatch(x)
