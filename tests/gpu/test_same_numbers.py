"""Every operation, layer and model of the gradient-check registry: NumPy's numbers, forward and backward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.arrays import as_dtype
from tfx.backend import device_module, is_array, to_device, to_numpy, xp_of
from tfx.gradcheck import CASES
from tfx.gradcheck.returned import by_name


def moved(value: Any, xp: Any) -> Any:
    """Arrays where xp computes, inside tuples too; anything else as it is."""
    if isinstance(value, tuple):
        items = [moved(item, xp) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return to_device(value, xp) if is_array(value) else value


def both_ways(case: Any, xp: Any, dtype: str = "float64") -> dict[str, np.ndarray]:
    """The output and the gradients of a case that was computed by xp, on the host."""
    problem = case.build(np.random.default_rng(3))
    inputs = {name: moved(as_dtype(value, dtype), xp) for name, value in problem.inputs.items()}
    fixed = {name: moved(as_dtype(value, dtype), xp) for name, value in problem.fixed.items()}
    names = [name for name, value in problem.inputs.items() if np.asarray(value).dtype.kind == "f"]
    if problem.layer is not None:
        problem.layer.astype(dtype).to_device(xp)
    y, cache = problem.forward(**inputs, **fixed)
    assert xp_of(y) is xp
    dy = np.random.default_rng(4).standard_normal(np.shape(y)).astype(dtype)
    gradients = by_name(problem.backward(moved(dy, xp) if dy.ndim else float(dy), cache), names)
    return {"y": to_numpy(y), **{f"d{name}": gradient for name, gradient in gradients.items()}}


def assert_same(have: dict[str, np.ndarray], want: dict[str, np.ndarray], tolerance: float) -> None:
    """Every array within `tolerance` of the largest number in it: a long sum loses that much by its order."""
    assert have.keys() == want.keys()
    for name, array in want.items():
        scale = max(1.0, float(np.abs(array).max(initial=0.0)))
        np.testing.assert_allclose(have[name], array, rtol=0, atol=tolerance * scale, err_msg=name)


def on_devices(cases: list[Any]) -> Any:
    """Each case on a card; some on the strict device, where tests/ops and tests/nn try all of them."""
    there = [pytest.param("cuda", case, marks=pytest.mark.gpu, id=f"{case.op}: {case.variant}") for case in cases]
    here = [pytest.param("strict", case, id=f"strict, {case.op}: {case.variant}") for case in cases[::40]]
    return pytest.mark.parametrize(("device", "case"), [*here, *there])


@on_devices(list(CASES))
def test_float64_is_equal_to_rounding(device, case):
    assert_same(both_ways(case, device_module(device)), both_ways(case, np), 1e-12 if "." not in case.op else 1e-11)


@on_devices([case for case in CASES if "." not in case.op])
def test_float32_is_equal_to_its_rounding(device, case):
    have, want = both_ways(case, device_module(device), "float32"), both_ways(case, np, "float32")
    assert have["y"].dtype == want["y"].dtype == "float32"
    assert_same(have, want, 2e-4)
