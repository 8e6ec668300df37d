"""Known mistakes in tfx/ops/basics/matmul.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.matmul import gemm, matmul
from tfx.gradcheck.cases.sizes import B, C, F, T
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.matmul import GemmCache, MatmulCache, gemm_backward, matmul_backward


@wrong_backward(matmul, a=(T, C), b=(C, F))
def da_not_transposed(dy: Any, cache: MatmulCache) -> Any:
    """da is transposed.

    Why: A transpose in the wrong place gives the wrong shape, and a reshape silences the error without moving the
    numbers.
    Hint: Write y[i, k] as a sum, and ask for the gradient of a[i, j] index by index.
    """
    da, db = matmul_backward(dy, cache)
    return da.swapaxes(-1, -2).reshape(da.shape), db


@wrong_backward(matmul, a=(B, T, C), b=(C, F))
def broadcast_not_summed(dy: Any, cache: MatmulCache) -> Any:
    """A shared b gets the gradient of the first use.

    Why: The matrix has no batch axis, and the product of one example has its shape already.
    Hint: How many times was b used in the forward pass?
    """
    da, _ = matmul_backward(dy, cache)
    return da, (cache.a.swapaxes(-1, -2) @ dy)[0]


@wrong_backward(gemm)
def scales_forgotten(dy: Any, cache: GemmCache) -> Any:
    """Alpha and beta are forgotten.

    Why: Both factors are usually 1, and then nothing shows.
    Hint: Which constants multiply the product and the offset in the forward pass?
    """
    return gemm_backward(dy, cache._replace(alpha=1.0, beta=1.0))
