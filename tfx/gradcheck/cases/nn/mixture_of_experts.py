"""Cases of tfx/nn/mixture_of_experts.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, D, Rng, T
from tfx.nn.auxiliary_losses import weigh
from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.ops.experts.router_losses import ROUTER_LOSSES
from tfx.params import Layer

E = 5
ALL_LOSSES = dict.fromkeys(ROUTER_LOSSES, 0.7)


class _WithAuxiliary(Layer):
    """A mixture whose output has its auxiliary loss as a last number, so that both are checked at once."""

    def __init__(self, mixture: MixtureOfExperts) -> None:
        self.mixture = mixture

    def forward(self, x: Any, rng: Any = None, keep: Any = None) -> tuple[Any, Any]:
        y, cache = self.mixture.forward(x, rng, keep)
        return xp_of(y).concatenate([y.reshape(-1), cache.auxiliary.value.reshape(1)]), cache

    def backward(self, dy: Any, cache: Any) -> Any:
        return self.mixture.backward(dy[:-1].reshape(cache.shape), weigh(cache, dy[-1]))


def mixture(rng: Rng, seed: int | None = None, filling: bool = False, **options: Any) -> Problem:
    layer = _WithAuxiliary(MixtureOfExperts(D, **{"d_ff": 3, "rng": rng, "n": E, **options}))
    fixed = {"keep": rng.random((B, T)) < 0.7} if filling else {}
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, D))}, fixed, dropout_seed=seed)


CASES: tuple[Case, ...] = (
    Case(MixtureOfExperts, "top 2", mixture),
    Case(MixtureOfExperts, "Switch, drops", partial(mixture, k=1, capacity_factor=0.6)),
    Case(
        MixtureOfExperts, "Switch, drops by importance", partial(mixture, k=1, capacity_factor=0.6, by_importance=True)
    ),
    Case(MixtureOfExperts, "top 2, noise, all losses", partial(mixture, seed=5, noisy=True, losses=ALL_LOSSES)),
    Case(MixtureOfExperts, "one choice for a sequence", partial(mixture, level="sequence")),
    Case(
        MixtureOfExperts,
        "one choice for a sequence, noise",
        partial(mixture, seed=5, level="sequence", noisy=True, losses=ALL_LOSSES),
    ),
    Case(MixtureOfExperts, "Switch, drops, filling", partial(mixture, filling=True, k=1, capacity_factor=0.6)),
    Case(
        MixtureOfExperts,
        "one choice for a sequence, noise, filling",
        partial(mixture, seed=5, filling=True, level="sequence", noisy=True, losses=ALL_LOSSES),
    ),
    Case(
        MixtureOfExperts,
        "all experts, gated, several widths",
        partial(mixture, k=E, activation="swiglu", d_ff=(1, 2, 3, 1, 2)),
    ),
)
