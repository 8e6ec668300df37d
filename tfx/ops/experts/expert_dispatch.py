"""Dispatch: tokens are brought to their experts and the results are brought back, without a product with zeros.

N tokens with k choices make N k (token, expert) pairs.  Sorted by expert, the pairs of one expert are neighbours:

    slots = x[tokens]                             (N k, C)   row r holds the token of pair r
    out = expert e works on its rows              counts[0] rows for expert 0, then counts[1] for expert 1, ...
    y_n = sum_j g_nj out[rows_nj]                 (N, C)     pair (n, j) finds its result in row rows_nj

The papers write both steps as products with a mask (N, E, capacity) that is nearly all zeros (GShard, Switch); a gather
gives the same numbers for N k C copies.  Dropped pairs are sorted behind the last expert, where nobody works: their
rows of `out` are 0.

Derivation.  Both steps are linear in x and out.  `rows` and `tokens` undo each other (every row belongs to one pair),
so no gradient needs a scatter that adds:

    dx_n = sum_j dslots[rows_nj]                  token n was copied k times
    dout[r] = g_r dy[tokens_r]                    dg_nj = dy_n . out[rows_nj]

Source: the plan by sorting: Gale et al. 2023, "MegaBlocks", section 5; the formula: Shazeer et al. 2017, equation 1.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.experts.expert_capacity import expert_counts


class DispatchPlan(NamedTuple):
    """Who goes where; integers only."""

    pairs: Array  # (N k,): the pair n k + j that each row belongs to
    tokens: Array  # (N k,): its token n
    rows: Array  # (N, k): the row of each pair
    counts: Array  # (E,): rows of each expert, in order; what is left over at the end was dropped


class CombineCache(NamedTuple):
    out: Array
    gates: Array
    plan: DispatchPlan


def plan_dispatch(experts: Array, n_experts: int, keep: Array | None = None) -> DispatchPlan:
    """experts: (N, k) integers, keep: (N, k) boolean or None for all -> plan.

    An expert's rows are in the order of the tokens.  Raises ValueError when keep has another shape.
    """
    if keep is not None and keep.shape != experts.shape:
        raise ValueError(f"keep is {keep.shape} but experts are {experts.shape}")
    xp = xp_of(experts)
    k = experts.shape[1]
    goes_to = experts if keep is None else xp.where(keep, experts, n_experts)
    pairs = xp.argsort(goes_to.reshape(-1), kind="stable")
    rows = xp.zeros_like(pairs)
    rows[pairs] = xp.arange(pairs.size)
    return DispatchPlan(pairs, pairs // k, rows.reshape(experts.shape), expert_counts(experts, n_experts, keep))


@in_float32
def dispatch_forward(x: Array, plan: DispatchPlan) -> tuple[Array, DispatchPlan]:
    """x: (N, C) -> slots: (N k, C), cache.  Raises ValueError when the plan was made for another number of tokens."""
    if x.shape[0] != plan.rows.shape[0]:
        raise ValueError(f"there are {x.shape[0]} tokens but the plan has {plan.rows.shape[0]}")
    return x[plan.tokens], plan


@in_float32
def dispatch_backward(dslots: Array, cache: DispatchPlan) -> Array:
    """dslots: (N k, C) -> dx: (N, C)."""
    return dslots[cache.rows].sum(axis=1)  # slots = x[tokens]: each token was copied k times


@in_float32
def combine_forward(out: Array, gates: Array, plan: DispatchPlan) -> tuple[Array, CombineCache]:
    """out: (N k, C), 0 in rows that were dropped, gates: (N, k) -> y: (N, C), cache.

    Raises ValueError when gates or rows are not those of the plan.
    """
    if gates.shape != plan.rows.shape:
        raise ValueError(f"gates are {gates.shape} but the plan has {plan.rows.shape}")
    if out.shape[0] != plan.pairs.shape[0]:
        raise ValueError(f"there are {out.shape[0]} rows but the plan has {plan.pairs.shape[0]}")
    y = (gates[:, None, :] @ out[plan.rows])[:, 0]  # (N, 1, k) x (N, k, C)
    return y, CombineCache(out, gates, plan)


@in_float32
def combine_backward(dy: Array, cache: CombineCache) -> tuple[Array, Array]:
    """dy: (N, C) -> dout: (N k, C), dgates: (N, k)."""
    out, gates, plan = cache
    dgates = (out[plan.rows] @ dy[:, :, None])[:, :, 0]  # y_n = sum over j of gates_nj out[rows_nj]
    dout = gates.reshape(-1)[plan.pairs][:, None] * dy[plan.tokens]
    return dout, dgates
