"""What a loss tells is what it trains on: the auxiliary losses of experts are in the value as in the gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tfx.data.toys.toy import Places
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.optim import AdamW, LossScale, MixedPrecision
from tfx.schedule import constant
from tfx.train import (
    LabelledBatch,
    PairBatch,
    distilled_labelling_loss,
    focal_labelling_loss,
    labelling_loss,
    next_token_loss,
    r_drop_loss,
    scaled_loss,
    scheduled_sampling_loss,
    train,
    translation_loss,
)
from tfx.train.toys import places_loss

SIZE: dict[str, Any] = {"d_model": 6, "n_heads": 2, "d_ff": 5, "n_layers": 2}
LOUD = {"n": 3, "k": 1, "losses": {"balance": 2.0, "z": 0.5}}
SILENT = LOUD | {"losses": {}}
IDS = np.random.default_rng(0).integers(7, size=(3, 6))
LENGTHS = np.array([6, 2, 4])
LABELLED = LabelledBatch(IDS, IDS[:, ::-1].copy(), LENGTHS)
LOSSES: dict[str, tuple[Any, Any, Any]] = {
    "labels": (Encoder, LABELLED, labelling_loss()),
    "next token": (DecoderOnly, IDS, next_token_loss()),
    "translation": (EncoderDecoder, PairBatch(IDS, IDS, LENGTHS, np.maximum(LENGTHS, 2)), translation_loss()),
    "scheduled sampling": (DecoderOnly, IDS, scheduled_sampling_loss(1.0)),
    "focal": (Encoder, LABELLED, focal_labelling_loss()),
    "distillation": (
        Encoder,
        LABELLED,
        distilled_labelling_loss(Encoder(7, seed=3, dtype="float64", **SIZE), hard=0.5),
    ),
    "places of a toy": (Encoder, Places(IDS, IDS, IDS > 2), places_loss()),
}


def value_and_gradient(model: Any, batch: Any, loss: Any) -> tuple[float, dict[str, np.ndarray]]:
    model.zero_grad()
    value = loss(model, batch, np.random.default_rng(0)).loss
    return value, {name: parameter.grad.copy() for name, parameter in model.parameters().items()}


@pytest.mark.parametrize("name", LOSSES)
def test_the_value_of_a_loss_has_the_gradient_that_it_gives(name):
    """Central differences of the told value along a random direction of the first router, auxiliary losses included."""
    kind, batch, loss = LOSSES[name]
    model, silent = (kind(7, **SIZE, dtype="float64", experts=experts) for experts in (LOUD, SILENT))
    value, gradient = value_and_gradient(model, batch, loss)
    assert value > value_and_gradient(silent, batch, loss)[0] + 1, "the auxiliary losses are in it"
    router = next(one for one in gradient if one.endswith("router.w"))
    weight, step = model.parameters()[router], 1e-6
    direction = np.random.default_rng(1).standard_normal(weight.shape)
    sides = []
    for sign in (1, -1):
        weight.value += sign * step * direction
        sides.append(value_and_gradient(model, batch, loss)[0])
        weight.value -= sign * step * direction
    assert (sides[0] - sides[1]) / (2 * step) == pytest.approx((gradient[router] * direction).sum(), rel=1e-6)


def test_what_a_run_records_includes_them():
    loud, silent = (Encoder(7, **SIZE, experts=experts) for experts in (LOUD, SILENT))
    first = [
        next(
            train(model, lambda rng: LABELLED, labelling_loss(), AdamW(model), partial(constant, learning_rate=0.1), 1)
        )
        for model in (loud, silent)
    ]
    assert first[0].loss > first[1].loss + 1


def test_two_passes_of_r_drop_count_half_each_in_the_auxiliary_losses_too():
    """Without dropout both passes are the same, and what is left of R-Drop is plain training."""
    model = Encoder(7, **SIZE, dtype="float64", experts=LOUD)
    _, plain = value_and_gradient(model, LABELLED, labelling_loss())
    _, twice = value_and_gradient(model, LABELLED, r_drop_loss(1.0))
    for name, gradient in plain.items():
        np.testing.assert_allclose(twice[name], gradient, rtol=0, atol=1e-14)


def test_loss_scaling_scales_the_auxiliary_losses_with_the_rest():
    """What the float16 model learns is what the float32 model learns, up to its rounding."""
    gradients = []
    for dtype in ("float32", "float16"):
        model = DecoderOnly(7, **SIZE, dtype=dtype, experts=LOUD)
        loss: Any = next_token_loss()
        if dtype == "float16":
            optimizer = MixedPrecision(model, AdamW, LossScale(2.0**10, interval=None))
            scaled_loss(loss, optimizer)(model, IDS, np.random.default_rng(0))
            assert optimizer.collect()
            gradients.append(optimizer.parameters.grad.copy())
        else:
            _, gradient = value_and_gradient(model, IDS, loss)
            gradients.append(np.concatenate([one.reshape(-1) for one in gradient.values()]))
    assert np.linalg.norm(gradients[1] - gradients[0]) < 0.02 * np.linalg.norm(gradients[0])
