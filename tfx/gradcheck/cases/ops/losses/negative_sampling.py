"""Cases of tfx/ops/losses/negative_sampling.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import Rng, T
from tfx.ops.losses.negative_sampling import negative_sampling_backward, negative_sampling_forward

K, D = 3, 4


def negative_sampling(rng: Rng, n: int = T, k: int = K) -> Problem:
    inputs = {"word": rng.standard_normal((n, D)), "context": rng.standard_normal((n, D))}
    inputs["negatives"] = rng.standard_normal((n, k, D))
    return Problem(negative_sampling_forward, negative_sampling_backward, inputs)


CASES: tuple[Case, ...] = (
    Case(negative_sampling_backward, "three random words", negative_sampling),
    Case(negative_sampling_backward, "one random word", partial(negative_sampling, k=1)),
    Case(negative_sampling_backward, "one pair", partial(negative_sampling, n=1)),
)
