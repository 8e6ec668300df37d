"""Cases of tfx/nn/fourier_mixing.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import WIDE
from tfx.gradcheck.cases.sizes import B, Rng, S
from tfx.nn.fourier_mixing import FourierMixing
from tfx.ops.attention.masks import padding_mask


def fourier_mixing(rng: Rng) -> Problem:
    return layer_problem(
        FourierMixing(), rng, {"x": rng.standard_normal((B, S, WIDE))}, {"mask": padding_mask([S, 4], S)}
    )


CASES: tuple[Case, ...] = (Case(FourierMixing, "padded", fourier_mixing),)
