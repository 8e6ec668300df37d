"""Cases of tfx/ops/basics/matmul.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, F, Rng, T
from tfx.ops.basics.matmul import gemm_backward, gemm_forward, matmul_backward, matmul_forward


def matmul(rng: Rng, a: tuple[int, ...], b: tuple[int, ...]) -> Problem:
    return Problem(matmul_forward, matmul_backward, {"a": rng.standard_normal(a), "b": rng.standard_normal(b)})


def gemm(rng: Rng, c: tuple[int, ...] | None = (F,)) -> Problem:
    inputs = {"a": rng.standard_normal((T, C)), "b": rng.standard_normal((C, F))}
    inputs |= {} if c is None else {"c": rng.standard_normal(c)}
    return Problem(gemm_forward, gemm_backward, inputs, {"alpha": 0.7, "beta": -1.3})


CASES: tuple[Case, ...] = (
    Case(matmul_backward, "two matrices", partial(matmul, a=(T, C), b=(C, F))),
    Case(matmul_backward, "a matrix for a batch", partial(matmul, a=(B, T, C), b=(C, F))),
    Case(matmul_backward, "both stretched", partial(matmul, a=(B, 1, T, C), b=(3, C, F))),
    Case(matmul_backward, "two vectors", partial(matmul, a=(C,), b=(C,))),
    Case(matmul_backward, "vector times batch", partial(matmul, a=(C,), b=(B, C, F))),
    Case(matmul_backward, "batch times vector", partial(matmul, a=(B, T, C), b=(C,))),
    Case(gemm_backward, "an offset for all rows", gemm),
    Case(gemm_backward, "an offset for all columns", partial(gemm, c=(T, 1))),
    Case(gemm_backward, "one offset", partial(gemm, c=())),
    Case(gemm_backward, "no offset", partial(gemm, c=None)),
)
