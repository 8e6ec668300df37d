"""Cases of tfx/ops/grids/windows.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.ops.grids.windows import (
    merge_windows_backward,
    merge_windows_forward,
    split_windows_backward,
    split_windows_forward,
)

GRID = (4, 6)
WIDTH = 6


def grid(rng: Rng, width: int = WIDTH) -> Any:
    return rng.standard_normal((B, *GRID, width))


def split_windows(rng: Rng, shift: int) -> Problem:
    fixed = {"window": 2, "shift": shift}
    return Problem(split_windows_forward, split_windows_backward, {"x": grid(rng, 3)}, fixed)


def merge_windows(rng: Rng, shift: int) -> Problem:
    fixed = {"grid": GRID, "window": 2, "shift": shift}
    return Problem(merge_windows_forward, merge_windows_backward, {"y": rng.standard_normal((B, 6, 4, 3))}, fixed)


CASES: tuple[Case, ...] = (
    Case(split_windows_backward, "windows", lambda rng: split_windows(rng, 0), linear=True),
    Case(split_windows_backward, "shifted", lambda rng: split_windows(rng, 1), linear=True),
    Case(merge_windows_backward, "windows", lambda rng: merge_windows(rng, 0), linear=True),
    Case(merge_windows_backward, "shifted", lambda rng: merge_windows(rng, 1), linear=True),
)
