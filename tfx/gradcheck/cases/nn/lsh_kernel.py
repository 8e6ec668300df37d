"""Cases of tfx/nn/lsh_kernel.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.efficient.lsh_attention import qk_v
from tfx.gradcheck.cases.sizes import B, D, H, Rng, S
from tfx.nn.lsh_kernel import LshKernel


def kernel(rng: Rng) -> Problem:
    given = qk_v(rng)
    layer = LshKernel(n_buckets=2, chunk=3, n_rounds=2, buckets=rng.integers(0, 2, size=(B, H, 2, S)))
    return layer_problem(layer, rng, {"q": given["qk"], "k": rng.standard_normal((B, H, S, D)), "v": given["v"]})


CASES: tuple[Case, ...] = (Case(LshKernel, "two rounds", kernel),)
