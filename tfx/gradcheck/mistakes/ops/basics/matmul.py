"""Known mistakes in tfx/ops/basics/matmul.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.basics.matmul import gemm, matmul
from tfx.gradcheck.cases.sizes import B, C, F, T
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.matmul import GemmCache, MatmulCache, gemm_backward, matmul_backward


def matmul_transposes_forgotten(dy: Any, cache: MatmulCache) -> Any:
    da, db = matmul_backward(dy, cache)
    return da.swapaxes(-1, -2).reshape(da.shape), db


def matmul_broadcast_not_summed(dy: Any, cache: MatmulCache) -> Any:
    da, _ = matmul_backward(dy, cache)
    return da, (cache.a.swapaxes(-1, -2) @ dy)[0]


def gemm_scales_forgotten(dy: Any, cache: GemmCache) -> Any:
    return gemm_backward(dy, cache._replace(alpha=1.0, beta=1.0))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="matmul",
        name="da-not-transposed",
        says="da is transposed",
        why="A reshape repairs the shape after a wrong transpose, and the numbers stand in wrong places.",
        hint="Write y[i, k] as a sum, and ask for the gradient of a[i, j] index by index.",
        problem=partial(matmul, a=(T, C), b=(C, F)),
        wrong_backward=matmul_transposes_forgotten,
    ),
    Mistake(
        op="matmul",
        name="broadcast-not-summed",
        says="a shared b gets the gradient of the first use",
        why="One matrix for a whole batch is stored once, and one product gives the right shape.",
        hint="How many times was b used in the forward pass?",
        problem=partial(matmul, a=(B, T, C), b=(C, F)),
        wrong_backward=matmul_broadcast_not_summed,
    ),
    Mistake(
        op="gemm",
        name="scales-forgotten",
        says="alpha and beta are forgotten",
        why="Both factors are usually 1, and then nothing shows.",
        hint="Which constants multiply the product and the offset in the forward pass?",
        problem=gemm,
        wrong_backward=gemm_scales_forgotten,
    ),
)
