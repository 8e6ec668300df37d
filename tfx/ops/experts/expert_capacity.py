"""Expert capacity: how many tokens an expert may take, and which ones it drops when more arrive.

    capacity = ceil(factor k N / E)           factor 1 is an exactly even share; 1.25 and 2 are usual

An accelerator wants buffers of a fixed size, so each expert has `capacity` places.  A (token, expert) pair that finds
none is dropped: that expert adds nothing to that token, and in a block the residual connection carries the token on.

Who comes first.  All first choices stand in front of all second choices, and so on (GShard: a token loses its second
expert before another loses its first).  Within one round of choices tokens come in their order in the batch, so it is
the end of a batch that suffers; with an `importance` (their largest gate) the important ones come first, which is batch
prioritised routing.  Either way what happens to a token depends on the other tokens: with drops a batch is no longer a
set of rows that do not know each other.  N counts the tokens of the whole batch, and so does the queue; Hugging Face's
Switch Transformer counts each row for itself, which is the same for a batch of one row.

The decision is made of integers and has no gradient; a dropped pair passes none.
Sources: Lepikhin et al. 2021, "GShard", section 2.2 and algorithm 1; Fedus et al. 2022, "Switch Transformers", equation
3; Riquelme et al. 2021, "Scaling Vision with Sparse Mixture of Experts", section 4.
"""

from __future__ import annotations

import math

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of


def expert_capacity(n_tokens: int, n_experts: int, k: int = 1, factor: float = 1.0) -> int:
    """-> places of each expert, at least 1.

    Raises ValueError for no expert, no k, or a factor that is not positive and finite.
    """
    if n_experts < 1:
        raise ValueError(f"capacity is shared out among experts, and there are {n_experts}")
    whole_number("the number of tokens", n_tokens, 0)
    whole_number("k", k, 1)
    if not 0 < factor < math.inf:
        raise ValueError(f"a capacity factor of {factor} is no number of places: it must be above 0, and finite")
    return max(1, math.ceil(factor * k * n_tokens / n_experts))


def within_capacity(experts: Array, n_experts: int, capacity: int, importance: Array | None = None) -> Array:
    """experts: (N, k) integers, in the order of choice -> keep: (N, k) boolean, False where a pair is dropped.

    importance: (N,), larger = served earlier; without it tokens are served in their order.
    Raises ValueError for a capacity below 1, or an importance that does not have one number for each token.
    """
    if capacity < 1:
        raise ValueError(f"with capacity {capacity} every token would be dropped: it must be at least 1")
    xp = xp_of(experts)
    n_tokens, k = experts.shape
    if importance is None:
        line = xp.arange(n_tokens)
    elif importance.shape != (n_tokens,):
        raise ValueError(f"importance is {importance.shape} but there are {n_tokens} tokens")
    else:
        line = xp.argsort(-importance, kind="stable")
    waiting = experts[line].T.reshape(-1)  # (k N,): first choices of all tokens, then second choices, ...
    order = xp.argsort(waiting, kind="stable")  # the queue of expert 0, then that of expert 1, ...
    counts = expert_counts(experts, n_experts)
    begin = xp.cumsum(counts) - counts
    place_in_queue = xp.arange(waiting.size) - begin[waiting[order]]
    served = xp.zeros(waiting.size, dtype=bool)
    served[order] = place_in_queue < capacity
    keep = xp.zeros((n_tokens, k), dtype=bool)
    keep[line] = served.reshape(k, n_tokens).T
    return keep


def expert_counts(experts: Array, n_experts: int, keep: Array | None = None) -> Array:
    """experts: (N, k) integers -> (E,) how many pairs each expert has; with keep: (N, k), of those that are kept."""
    xp = xp_of(experts)
    if keep is not None:
        experts = xp.where(keep, experts, n_experts)  # dropped ones are counted behind the last expert
    return (experts.reshape(-1, 1) == xp.arange(n_experts)).sum(axis=0)  # bincount would make a device wait
