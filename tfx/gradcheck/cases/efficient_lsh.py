"""LSH attention: gradients through everything but the hash."""

from __future__ import annotations

from typing import Any

from tfx.efficient.lsh_attention import LshAttentionCache, lsh_attention_backward, lsh_attention_forward
from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, S, some_allowed
from tfx.nn.lsh_kernel import LshKernel


def qk_v(rng: Rng) -> dict[str, Any]:
    return {"qk": rng.standard_normal((B, H, S, D)), "v": rng.standard_normal((B, H, S, DV))}


def lsh(rng: Rng, **settings: Any) -> Problem:
    return Problem(lsh_attention_forward, lsh_attention_backward, qk_v(rng), {"n_buckets": 1, **settings})


def given_buckets(rng: Rng, **settings: Any) -> Problem:
    """Buckets that no step along an input can move; some tokens find nobody else."""
    buckets = rng.integers(0, 3, size=(B, H, 3, S))
    return lsh(rng, n_buckets=4, chunk=2, buckets=buckets, **settings)


def masked(rng: Rng) -> Problem:
    mask = some_allowed(rng, (B, 1, S, S))
    mask[0, 0, 3] = False
    return given_buckets(rng, mask=mask, causal=True, eps=0.1, scale=0.9)


def kernel(rng: Rng) -> Problem:
    given = qk_v(rng)
    layer = LshKernel(n_buckets=2, chunk=3, n_rounds=2, buckets=rng.integers(0, 2, size=(B, H, 2, S)))
    return layer_problem(layer, rng, {"q": given["qk"], "k": rng.standard_normal((B, H, S, D)), "v": given["v"]})


def each_round_by_itself(dout: Any, cache: LshAttentionCache) -> Any:
    """D without the rounds: rowsum(W * dW) taken inside a round, as if each were a softmax of its own."""
    return lsh_attention_backward(dout, cache._replace(out=0 * cache.out))


def keys_as_constants(dout: Any, cache: LshAttentionCache) -> Any:
    """The queries' gradient alone: forgets that the keys are the same vectors."""
    dqk, dv = lsh_attention_backward(dout, cache)
    return dqk - lsh_attention_backward(dout, cache._replace(k=0 * cache.k))[0], dv


CASES = (
    Case(lsh_attention_backward, "one bucket", lsh),
    Case(lsh_attention_backward, "one bucket, causal, eps", lambda rng: lsh(rng, causal=True, eps=0.1)),
    Case(lsh_attention_backward, "hashed, two rounds", lambda rng: lsh(rng, n_buckets=4, n_rounds=2, chunk=3)),
    Case(lsh_attention_backward, "three rounds that share pairs", given_buckets),
    Case(lsh_attention_backward, "mask, blocked row, causal, three rounds", masked),
    Case(LshKernel, "two rounds", kernel),
)

CONTROLS = (
    Control("lsh_attention", "without the row sum D", each_round_by_itself, given_buckets),
    Control("lsh_attention", "keys as constants", keys_as_constants, lsh),
)
