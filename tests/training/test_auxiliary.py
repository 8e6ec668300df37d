"""Deep supervision, R-Drop and focal loss as losses of the training loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.models import DeepSupervision, Encoder
from tfx.nn.block_settings import StackSettings
from tfx.nn.stacks import EncoderStack
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.train import (
    LabelledBatch,
    deep_supervision_loss,
    focal_labelling_loss,
    labelling_loss,
    r_drop_loss,
)

SIZE: dict[str, Any] = {"d_model": 8, "n_heads": 2, "d_ff": 8, "n_layers": 3, "dtype": "float64"}
IDS = np.random.default_rng(0).integers(7, size=(3, 6))
BATCH = LabelledBatch(IDS, IDS[:, ::-1].copy(), np.array([6, 2, 4]))


def deep(tied: bool = True) -> DeepSupervision:
    return DeepSupervision(Encoder(7, tied=tied, **SIZE), np.random.default_rng(1))


def gradient_of(model: Any, loss: Any, seed: int = 0) -> dict[str, np.ndarray]:
    model.zero_grad()
    loss(model, BATCH, np.random.default_rng(seed))
    return {name: parameter.grad.copy() for name, parameter in model.parameters().items()}


@pytest.mark.parametrize("tied", [True, False])
def test_with_weight_on_the_last_head_alone_it_is_the_plain_encoder(tied):
    model = deep(tied)
    grads = gradient_of(model, deep_supervision_loss([0, 0, 1]))
    plain = gradient_of(model.encoder, labelling_loss())
    assert all(np.array_equal(grads[f"encoder.{name}"], grad) for name, grad in plain.items())
    assert not any(grads[name].any() for name in grads if name.startswith("heads."))


def test_the_gradient_is_the_weighted_sum_of_those_of_the_heads():
    model, weights = deep(), [0.3, 0.5, 2.0]
    together = gradient_of(model, deep_supervision_loss(weights))
    alone = [gradient_of(model, deep_supervision_loss(row)) for row in np.eye(3).tolist()]
    for name, grad in together.items():
        want = sum(weight * one[name] for weight, one in zip(weights, alone, strict=True))
        np.testing.assert_allclose(grad, want, rtol=0, atol=1e-14)


def test_a_head_in_the_middle_trains_what_is_below_it_and_nothing_above():
    grads = gradient_of(deep(tied=False), deep_supervision_loss([0, 1, 0]))
    moved = {name for name, grad in grads.items() if grad.any()}
    assert any(name.startswith("encoder.stack.blocks.1.") for name in moved)
    assert not any(name.startswith(("encoder.stack.blocks.2.", "encoder.output.", "heads.0.")) for name in moved)


def test_an_early_head_reads_what_the_shorter_stack_gives():
    model = deep(tied=False)
    logits, _ = model.forward(IDS)
    shorter = Encoder(7, tied=False, final_norm=False, **SIZE | {"n_layers": 1})
    shorter.load_state(
        {name: value for name, value in model.encoder.state().items() if name in shorter.state()}
        | {f"output.linear.{part}": getattr(model.heads[0], part).value for part in ("w", "b")}
    )
    np.testing.assert_allclose(logits[0], shorter.forward(IDS)[0], rtol=0, atol=1e-14)
    assert logits.shape == (3, 3, 6, 7)


def test_a_gradient_may_join_at_the_very_input_of_a_stack():
    stack = EncoderStack(StackSettings(6, 3, 8, 2, norm_place="pre", dtype="float64"), np.random.default_rng(0))
    x, dread = np.random.default_rng(1).standard_normal((2, 1, 4, 6))
    y, cache = stack.forward(x)
    assert [np.array_equal(cache.reads[0], x), len(cache.reads)] == [True, 2]
    joined, plain = stack.backward(y, cache, [dread, None]), stack.backward(y, cache)
    np.testing.assert_allclose(joined - plain, dread, atol=1e-14)


def test_one_weight_for_each_block_is_needed_and_at_least_one_block():
    with pytest.raises(ValueError, match="2 weights do not fit 3 blocks"):
        gradient_of(deep(), deep_supervision_loss([1, 1]))
    with pytest.raises(ValueError, match="no depth"):
        DeepSupervision(Encoder(7, **SIZE | {"n_layers": 0}), np.random.default_rng(0))


def test_r_drop_without_dropout_is_plain_training():
    model = Encoder(7, **SIZE)
    want, have = gradient_of(model, labelling_loss()), gradient_of(model, r_drop_loss(alpha=5.0))
    for name, grad in want.items():
        np.testing.assert_allclose(have[name], grad, rtol=0, atol=1e-14)


def test_r_drop_is_the_derivative_of_both_cross_entropies_and_the_divergence_between_them():
    model, alpha, h = Encoder(7, dropout=0.3, **SIZE), 0.7, 1e-5
    grads = gradient_of(model, r_drop_loss(alpha), seed=4)
    directions = {name: np.random.default_rng(i).standard_normal(g.shape) for i, (name, g) in enumerate(grads.items())}

    def value(distance: float) -> float:
        for name, parameter in model.parameters().items():
            parameter.value += distance * directions[name]
        rng, keep = np.random.default_rng(4), np.arange(6) < BATCH.lengths[:, None]
        passes = [model.forward(IDS, BATCH.lengths, rng=rng)[0] for _ in range(2)]
        p, q = (np.exp(x) / np.exp(x).sum(-1, keepdims=True) for x in passes)
        apart = ((p - q) * (np.log(p) - np.log(q))).sum(-1)[keep].mean() / 2
        for name, parameter in model.parameters().items():
            parameter.value -= distance * directions[name]
        losses = [float(cross_entropy_forward(x, BATCH.targets, keep=keep)[0]) for x in passes]
        return sum(losses) / 2 + alpha * apart

    slope = (value(h) - value(-h)) / (2 * h)
    assert slope == pytest.approx(sum((grads[name] * directions[name]).sum() for name in grads), rel=1e-6)


def test_r_drop_draws_two_different_dropouts_and_alpha_matters():
    model = Encoder(7, dropout=0.3, **SIZE)
    without, with_ = gradient_of(model, r_drop_loss(0.0)), gradient_of(model, r_drop_loss(1.0))
    assert any(abs(without[name] - with_[name]).max() > 1e-4 for name in without)


def test_the_focal_loss_at_gamma_zero_is_the_plain_one():
    model = Encoder(7, **SIZE)
    want, have = gradient_of(model, labelling_loss()), gradient_of(model, focal_labelling_loss(0.0))
    for name, grad in want.items():
        np.testing.assert_allclose(have[name], grad, rtol=0, atol=1e-14)
    counted = focal_labelling_loss()(model, BATCH, np.random.default_rng(0))
    assert counted.tokens == 12 and counted.loss < labelling_loss()(model, BATCH, np.random.default_rng(0)).loss
