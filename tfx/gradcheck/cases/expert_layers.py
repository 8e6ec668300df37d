"""Layers of experts: the gradients of their input, of router and experts, and of the auxiliary losses on the way."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, D, F, Rng, T
from tfx.nn.auxiliary_losses import weigh
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.hash_experts import HashExperts
from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.nn.soft_experts import SoftExperts
from tfx.nn.stacks import EncoderStack
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


def hash_experts(rng: Rng) -> Problem:
    layer = HashExperts(D, 3, np.array([2, 0, 1, 2, 0]), rng)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, D)), "ids": rng.integers(0, 5, (B, T))})


def soft_experts(rng: Rng, n_slots: int = 2) -> Problem:
    layer = SoftExperts(D, 3, rng, "swiglu", n=3, n_slots=n_slots)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, D))})


def block_of_experts(rng: Rng) -> Problem:
    """The auxiliary loss is left out: a block's output does not show it."""
    layer = EncoderBlock(6, 3, F, rng, experts={"n": 4, "k": 2, "losses": {}})
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))}, directions=1)


def stack_of_experts(rng: Rng) -> Problem:
    layer = EncoderStack(2, 6, 3, F, rng, "pre", experts={"n": 4, "k": 1, "losses": {}}, expert_every=2)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))}, directions=1)


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
    Case(HashExperts, "three experts", hash_experts),
    Case(SoftExperts, "two slots for each expert", soft_experts),
    Case(SoftExperts, "one slot for each expert", partial(soft_experts, n_slots=1)),
    Case(EncoderBlock, "a mixture of experts", block_of_experts),
    Case(EncoderStack, "dense and sparse blocks in turn", stack_of_experts),
)
