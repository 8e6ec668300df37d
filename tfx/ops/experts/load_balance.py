"""Load-balancing loss: experts that get many tokens are made less probable.

    f_i = share of the (token, choice) pairs that chose expert i             sums to 1
    P_i = mean over the tokens of the router's probability for i             sums to 1
    loss = E sum_i f_i P_i                                                   1 when the load is even

f counts, so it has no gradient; P has one, and f weighs it: probability is taken from experts in proportion to what
they get.  If P were f, then sum f_i^2 >= 1 / E, with equality for an even load, would make 1 the minimum.  P need not
be f, and the loss can lie below 1.  Pairs count where they were sent, dropped or not.

Derivation.  P_i = sum_n p_ni / N, and f is a constant:  dp_ni = dloss E f_i / N, the same for every token.
Source: Fedus et al. 2022, "Switch Transformers", equations 4 to 6, with k = 1 and N for E; the factor alpha is the
caller's.  For k > 1, f is divided by k: as in GShard and Mixtral up to that factor.  Here each layer has a loss of its
own, and they are added; Hugging Face's Mixtral joins the tokens of all layers first, f and P being means over them.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.experts.expert_capacity import expert_counts


class LoadBalanceCache(NamedTuple):
    shares: Array  # f: (E,)
    n_tokens: int


@in_float32
def load_balance_forward(probabilities: Array, experts: Array) -> tuple[Array, LoadBalanceCache]:
    """probabilities: (N, E), the router's softmax, experts: (N, k) integers -> loss: scalar, cache; 0 for N = 0.

    Raises ValueError when there are not as many tokens in both.
    """
    n_tokens, n_experts = probabilities.shape
    if experts.shape[0] != n_tokens:
        raise ValueError(f"there are {n_tokens} tokens with probabilities but {experts.shape[0]} with experts")
    xp = xp_of(probabilities)
    real = probabilities.real.dtype
    shares = xp.asarray(expert_counts(experts, n_experts)).astype(real) * (1.0 / max(experts.size, 1))
    mean = probabilities.sum(axis=0) * (1.0 / max(n_tokens, 1))
    return n_experts * (shares * mean).sum(), LoadBalanceCache(shares, n_tokens)


@in_float32
def load_balance_backward(dloss: Array | float, cache: LoadBalanceCache) -> Array:
    """dloss: scalar -> dprobabilities: (N, E)."""
    shares, n_tokens = cache
    n_experts = shares.shape[0]
    dmean = (dloss * n_experts * shares).astype(shares.dtype)  # loss = E sum of shares * mean
    dprobability = dmean * (1.0 / max(n_tokens, 1))  # mean = sum of probabilities / N
    return xp_of(shares).zeros((n_tokens, n_experts), dtype=shares.dtype) + dprobability
