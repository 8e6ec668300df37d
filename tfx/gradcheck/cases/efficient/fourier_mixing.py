"""Cases of tfx/efficient/fourier_mixing.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.fourier_mixing import fourier_mixing_backward, fourier_mixing_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import PADDED, B, C, Rng, S


def fourier_mixing(rng: Rng, **fixed: Any) -> Problem:
    return Problem(fourier_mixing_forward, fourier_mixing_backward, {"x": rng.standard_normal((B, S, C))}, fixed)


CASES: tuple[Case, ...] = (
    Case(fourier_mixing_backward, "plain", fourier_mixing),
    Case(fourier_mixing_backward, "padded", lambda rng: fourier_mixing(rng, keys=PADDED[:, 0, 0])),
)
