"""Top-k routing: every token chooses k experts, and gates say how much each of them contributes.

    chosen = the k largest logits of the token
    p = softmax(logits)                                 over all E experts
    g_j = p_j / sum over chosen of p                    renormalised: the gates of a token sum to 1
    g_j = p_j                                           not renormalised: they sum to what the rest has left over

p_j / sum of the chosen p is the softmax over the chosen logits alone, so the first form never looks at the others.

    Shazeer et al. 2017, Mixtral    k > 1, renormalised ("KeepTopK", then softmax)
    Fedus et al. 2022, Switch       k = 1, not renormalised

With k = 1 a renormalised gate is always 1, and then nothing tells the router whether its choice was good.  Switch
multiplies the output by the gate's probability instead, and that is where the router's gradient comes from.

Derivation.  The choice is made of integers: it does not move when a logit moves a little, so it has no gradient, and
the derivative is that of the gates with the choice held fixed.  Where two logits tie, y jumps and there is none; we
take the expert with the lower number.  Renormalised, the Jacobian is the softmax's over the chosen, and a logit that
was not chosen gets 0; not renormalised, it is the softmax's over all, so that every logit gets a gradient.
Sources: Shazeer et al. 2017, "Outrageously Large Neural Networks", equations 3 and 5; Fedus, Zoph and Shazeer 2022,
"Switch Transformers", section 2.1 and equation 2.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward, softmax_forward


class GatesCache(NamedTuple):
    softmax: SoftmaxCache
    experts: Array
    n_experts: int
    renormalised: bool


def choose_top_k(logits: Array, k: int) -> Array:
    """logits: (..., E) -> experts: (..., k) integers, the largest logit first; of equal ones the lower number first.

    Raises ValueError for fewer than one expert, or k outside 1 .. E.
    """
    n_experts = logits.shape[-1]
    if n_experts < 1:
        raise ValueError("there is no expert to choose: logits have width 0")
    if not 1 <= whole_number("k", k) <= n_experts:
        raise ValueError(f"a token can choose 1 to {n_experts} of {n_experts} experts, not {k}")
    return xp_of(logits).argsort(-logits, axis=-1, kind="stable")[..., :k]


@in_float32
def gates_forward(logits: Array, experts: Array, renormalise: bool = True) -> tuple[Array, GatesCache]:
    """logits: (N, E), experts: (N, k) integers, in a row all different -> gates: (N, k), cache.

    Raises ValueError when there are not as many rows of experts as of logits.
    """
    if logits.shape[:-1] != experts.shape[:-1]:
        raise ValueError(f"there are {logits.shape[:-1]} tokens in logits but {experts.shape[:-1]} in experts")
    xp, n_experts = xp_of(logits), logits.shape[-1]
    if renormalise:
        gates, softmax = softmax_forward(xp.take_along_axis(logits, experts, axis=-1))
    else:
        p, softmax = softmax_forward(logits)
        gates = xp.take_along_axis(p, experts, axis=-1)
    return gates, GatesCache(softmax, experts, n_experts, renormalise)


@in_float32
def gates_backward(dgates: Array, cache: GatesCache) -> Array:
    """dgates: (N, k) -> dlogits: (N, E)."""
    softmax, experts, n_experts, renormalised = cache
    if renormalised:
        dchosen = softmax_backward(dgates, softmax)  # gates = softmax(chosen logits)
        return spread_over_experts(dchosen, experts, n_experts)  # chosen logits = logits[experts]
    dp = spread_over_experts(dgates, experts, n_experts)  # gates = p[experts]
    return softmax_backward(dp, softmax)  # p = softmax(logits)


@in_float32
def top_k_routing_forward(logits: Array, k: int, renormalise: bool = True) -> tuple[Array, GatesCache]:
    """logits: (N, E) -> gates: (N, k) of the k largest, cache; cache.experts: (N, k) says whose they are.

    Raises ValueError as choose_top_k does.
    """
    return gates_forward(logits, choose_top_k(logits, k), renormalise)


@in_float32
def top_k_routing_backward(dgates: Array, cache: GatesCache) -> Array:
    """dgates: (N, k) -> dlogits: (N, E); the choice is a constant."""
    return gates_backward(dgates, cache)


def spread_over_experts(values: Array, experts: Array, n_experts: int) -> Array:
    """values: (N, k) -> (N, E): values[n, j] stands at experts[n, j], and 0 elsewhere."""
    xp = xp_of(values)
    n_tokens = values.shape[0]
    wide = xp.zeros(n_tokens * n_experts, dtype=values.dtype)
    wide[(xp.arange(n_tokens)[:, None] * n_experts + experts).reshape(-1)] = values.reshape(-1)
    return wide.reshape(n_tokens, n_experts)
