"""Cases of tfx/efficient/fast_weights.py."""

from __future__ import annotations

from functools import partial

from tfx.efficient.fast_weights import fast_weights_backward, fast_weights_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.efficient.causal_product import last_state_too
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, T, heads


def fast_weights(rng: Rng, names: tuple[str, ...] = (), n_decays: int = 1) -> Problem:
    inputs = heads(rng, T, T)
    further = {
        "decay": -0.3 * rng.random((B, H, T, n_decays)),
        "beta": rng.random((B, H, T, 1)),
        "state": rng.standard_normal((B, H, D, DV)),
    }
    return Problem(fast_weights_forward, fast_weights_backward, inputs | {name: further[name] for name in names})


def fast_weights_with_last_state(rng: Rng) -> Problem:
    return last_state_too(fast_weights(rng, ("decay", "beta", "state"), n_decays=D))


CASES: tuple[Case, ...] = (
    Case(fast_weights_backward, "linear", fast_weights),
    Case(fast_weights_backward, "one decay", partial(fast_weights, names=("decay",))),
    Case(fast_weights_backward, "decays", partial(fast_weights, names=("decay", "state"), n_decays=D)),
    Case(fast_weights_backward, "delta rule", partial(fast_weights, names=("beta", "state"))),
    Case(fast_weights_backward, "gated delta rule", partial(fast_weights, names=("decay", "beta"), n_decays=D)),
    Case(fast_weights_backward, "last state", fast_weights_with_last_state),
)
