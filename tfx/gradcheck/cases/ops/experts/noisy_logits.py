"""Cases of tfx/ops/experts/noisy_logits.py."""

from __future__ import annotations

from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.experts.choices import E, N
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.experts.noisy_logits import noisy_logits_backward, noisy_logits_forward


def noisy_logits(rng: Rng) -> Problem:
    inputs = {"clean": rng.standard_normal((N, E)), "raw": rng.standard_normal((N, E))}
    return Problem(noisy_logits_forward, noisy_logits_backward, inputs, {"noise": rng.standard_normal((N, E))})


def spread_that_is_read(rng: Rng) -> Problem:
    """A loss that reads the spread as well as the logits."""

    def forward(clean: Any, raw: Any, noise: Any) -> Any:
        y, cache = noisy_logits_forward(clean, raw, noise)
        return xp_of(y).stack([y, cache.spread]), cache

    def backward(dy: Any, cache: Any) -> Any:
        return noisy_logits_backward(dy[0], cache, dy[1])

    return noisy_logits(rng)._replace(forward=forward, backward=backward)


CASES: tuple[Case, ...] = (
    Case(noisy_logits_backward, "random noise", noisy_logits),
    Case(noisy_logits_backward, "the spread is read too", spread_that_is_read),
)
