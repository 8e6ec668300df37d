"""Training techniques: focal loss, consistency of two passes, distillation, a head at every depth."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng, T, V
from tfx.models.deep_supervision import DeepSupervision
from tfx.models.encoder import Encoder
from tfx.ops.losses.consistency_loss import (
    ConsistencyLossCache,
    ConsistencyLossGrads,
    consistency_loss_backward,
    consistency_loss_forward,
)
from tfx.ops.losses.distillation_loss import (
    DistillationLossCache,
    distillation_loss_backward,
    distillation_loss_forward,
)
from tfx.ops.losses.focal_loss import FocalLossCache, focal_loss_backward, focal_loss_forward


def _kept(rng: Rng, kept: int | None) -> np.ndarray | None:
    return None if kept is None else (rng.permutation(B * T) < kept).reshape(B, T)


def focal_loss(rng: Rng, kept: int | None = None, weighted: bool = False, **settings: Any) -> Problem:
    keep, targets = _kept(rng, kept), rng.integers(0, V, (B, T))
    fixed = {"targets": targets if keep is None else np.where(keep, targets, -100), "keep": keep, **settings}
    if weighted:
        fixed["class_weights"] = rng.uniform(0.2, 3.0, V)
    return Problem(focal_loss_forward, focal_loss_backward, {"logits": rng.standard_normal((B, T, V))}, fixed)


def consistency_loss(rng: Rng, kept: int | None = None, reduction: str = "mean") -> Problem:
    inputs = {name: rng.standard_normal((B, T, V)) for name in ("first", "second")}
    fixed = {"keep": _kept(rng, kept), "reduction": reduction}
    return Problem(consistency_loss_forward, consistency_loss_backward, inputs, fixed)


def distillation_loss(rng: Rng, kept: int | None = None, **settings: Any) -> Problem:
    fixed = {"teacher_logits": 2.0 * rng.standard_normal((B, T, V)), "keep": _kept(rng, kept), **settings}
    inputs = {"logits": rng.standard_normal((B, T, V))}
    return Problem(distillation_loss_forward, distillation_loss_backward, inputs, fixed)


def deep_supervision(rng: Rng, tied: bool) -> Problem:
    encoder = Encoder(V, 6, 3, 11, 3, 9, tied=tied, dropout=0.2, activation="gelu_tanh")
    ids = rng.integers(V, size=(B, T))
    fixed = {"lengths": np.array([5, 3])}
    return layer_problem(DeepSupervision(encoder, rng), rng, {"ids": ids}, fixed, dropout_seed=5, directions=1)


def focal_factor_held_fixed(dloss: Any, cache: FocalLossCache) -> Any:
    """(1 - p)^g is taken for a constant weight, and only log p for a function of the logits."""
    weights = cache.targets.weights * (-np.expm1(cache.l)) ** cache.gamma
    plain = cache._replace(gamma=0.0, targets=cache.targets._replace(weights=weights))
    return focal_loss_backward(dloss, plain)


def consistency_second_pass_is_a_teacher(dloss: Any, cache: ConsistencyLossCache) -> ConsistencyLossGrads:
    grads = consistency_loss_backward(dloss, cache)
    return grads._replace(dsecond=0 * grads.dsecond)


def distillation_temperature_forgotten(dloss: Any, cache: DistillationLossCache) -> Any:
    """T^2 (q - p), with the 1 / T of the softmax left out."""
    return distillation_loss_backward(dloss, cache) * cache.temperature


CASES: tuple[Case, ...] = (
    *(Case(focal_loss_backward, f"gamma {g}", partial(focal_loss, gamma=g)) for g in (0.0, 0.5, 1.0, 2.0)),
    Case(focal_loss_backward, "class weights and keep", partial(focal_loss, weighted=True, kept=6)),
    Case(focal_loss_backward, "one loss a token", partial(focal_loss, kept=6, reduction="none")),
    Case(consistency_loss_backward, "plain", consistency_loss),
    Case(
        consistency_loss_backward, "six of ten tokens kept, summed", partial(consistency_loss, kept=6, reduction="sum")
    ),
    Case(consistency_loss_backward, "one loss a token", partial(consistency_loss, reduction="none")),
    *(
        Case(distillation_loss_backward, f"temperature {t}", partial(distillation_loss, temperature=t))
        for t in (1.0, 3.5)
    ),
    Case(distillation_loss_backward, "six of ten tokens kept", partial(distillation_loss, temperature=0.7, kept=6)),
    Case(distillation_loss_backward, "one loss a token", partial(distillation_loss, temperature=2.0, reduction="none")),
    Case(DeepSupervision, "three blocks, tied", partial(deep_supervision, tied=True)),
    Case(DeepSupervision, "three blocks, own output", partial(deep_supervision, tied=False)),
)

CONTROLS: tuple[Control, ...] = (
    Control("focal_loss", "the factor (1 - p)^g is taken for a constant", focal_factor_held_fixed, focal_loss),
    Control(
        "consistency_loss", "the second pass gets no gradient", consistency_second_pass_is_a_teacher, consistency_loss
    ),
    Control(
        "distillation_loss",
        "1 / T of the softmax is forgotten",
        distillation_temperature_forgotten,
        partial(distillation_loss, temperature=3.5),
    ),
)
