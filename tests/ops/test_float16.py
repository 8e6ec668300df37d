"""Every operation in float16 is its float32 result, rounded once: forward and backward, small and large numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.gradcheck.cases import CASES
from tfx.half import HALF, WIDE

OPERATIONS = [case for case in CASES if case.covers.split(".")[1] in ("ops", "efficient")]
#: cases whose loss also reads what the cache keeps for later, in float32: weights, states
READS_WHAT_IS_KEPT = {
    "attention", "noisy_logits", "causal_product", "fast_weights",
}  # fmt: skip
SIZES = (1.0, 30.0, 300.0, 3000.0)


def as_type(value: Any, dtype: np.dtype, size: float = 1.0) -> Any:
    """Floats as float16, then as `dtype`; anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return (value * size).astype(HALF).astype(dtype)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(as_type(part, dtype, size) for part in value)
    return value


def results(case: Any, dtype: np.dtype, size: float) -> list[np.ndarray]:
    """The output and every gradient of a case whose numbers have this dtype."""
    problem = case.build(np.random.default_rng(0))
    inputs = {name: as_type(value, dtype, size) for name, value in problem.inputs.items()}
    fixed = {name: as_type(value, dtype) for name, value in problem.fixed.items()}
    y, cache = problem.forward(**inputs, **fixed)
    dy = np.random.default_rng(1).standard_normal(np.shape(y)).astype(HALF).astype(dtype)
    gradients = problem.backward(dy if np.ndim(y) else dy[()], cache)
    if isinstance(gradients, dict):
        gradients = tuple(gradients.values())
    flat = gradients if isinstance(gradients, tuple) else (gradients,)
    return [np.asarray(y), *(np.asarray(g) for g in flat if g is not None)]


def same(half: np.ndarray, wide: np.ndarray) -> bool:
    """Equal to rounding: within one unit of the last of eleven bits, the same infinities and NaNs."""
    with np.errstate(over="ignore"):
        half, rounded = half.astype(HALF), wide.astype(HALF)
    finite = np.isfinite(rounded) & np.isfinite(half)
    if not np.array_equal(half[~finite], rounded[~finite], equal_nan=True):
        return False
    a, b = half[finite].astype(float), rounded[finite].astype(float)
    return bool((abs(a - b) <= 2.0**-10 * abs(b) + 2.0**-24).all())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("case", OPERATIONS, ids=lambda case: f"{case.op}-{case.variant}")
def test_float16_is_the_float32_result_rounded_once(case, size):
    with np.errstate(all="ignore"):
        half, wide = results(case, HALF, size), results(case, WIDE, size)
    for got, wanted in zip(half, wide, strict=True):
        if wanted.dtype == WIDE:
            assert same(got, wanted)
            assert got.dtype == HALF or case.op in READS_WHAT_IS_KEPT
