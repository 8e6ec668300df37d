"""Cases of tfx/efficient/causal_product.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.backend import xp_of
from tfx.efficient.causal_product import causal_product_backward, causal_product_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, T, heads


def causal_product(rng: Rng, chunk: int, state: bool = False, sizes: bool = False) -> Problem:
    inputs = heads(rng, T, T)
    fixed: dict[str, Any] = {"chunk": chunk}
    if state:
        inputs["state"] = rng.standard_normal((B, H, D, DV))
    if sizes:
        fixed["sizes"] = rng.standard_normal((B, H, T))
    return Problem(causal_product_forward, causal_product_backward, inputs, fixed)


def last_state_too(problem: Problem) -> Problem:
    """The last state goes into a loss as well: both are one output, the state under the tokens."""

    def forward(**given: Any) -> tuple[Any, Any]:
        y, cache = problem.forward(**given)
        return xp_of(y).concatenate((y, cache.last_state), axis=-2), cache

    def backward(dy: Any, cache: Any) -> Any:
        return problem.backward(dy[..., :T, :], cache, dy[..., T:, :])  # type: ignore[call-arg]

    return problem._replace(forward=forward, backward=backward)


def causal_product_with_last_state(rng: Rng) -> Problem:
    """The last state goes into a loss as well: both are one output, the state under the tokens."""
    return last_state_too(causal_product(rng, 2, state=True))


CASES: tuple[Case, ...] = (
    *(Case(causal_product_backward, f"chunk {n}", partial(causal_product, chunk=n)) for n in (1, 2, T)),
    Case(causal_product_backward, "sizes", partial(causal_product, chunk=2, sizes=True)),
    Case(causal_product_backward, "state", lambda rng: causal_product(rng, 2, state=True)),
    Case(causal_product_backward, "last state", causal_product_with_last_state),
)
