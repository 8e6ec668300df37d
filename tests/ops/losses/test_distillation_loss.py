"""Distillation: its gradient, what T squared is for, and the limits of the temperature."""

import math

import numpy as np
import pytest

from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward
from tfx.ops.losses.soft_cross_entropy import soft_cross_entropy_backward, soft_cross_entropy_forward

RNG = np.random.default_rng(0)
V = 5
STUDENT, TEACHER = RNG.standard_normal((2, 3, 4, V))
KEEP = np.arange(4) < np.array([[2], [4], [1]])


def test_it_is_its_definition_token_by_token():
    losses, _ = distillation_loss_forward(STUDENT, TEACHER, 2.5, reduction="none")
    for place in np.ndindex(3, 4):
        p, q = ([math.exp(x / 2.5) for x in logits[place]] for logits in (TEACHER, STUDENT))
        p, q = [x / sum(p) for x in p], [x / sum(q) for x in q]
        want = 2.5**2 * sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
        assert losses[place] == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_its_gradient_is_t_times_prediction_minus_teacher(temperature):
    _, cache = distillation_loss_forward(STUDENT, TEACHER, temperature, reduction="sum")
    p, q = (softmax_forward(logits / temperature)[0] for logits in (TEACHER, STUDENT))
    np.testing.assert_allclose(distillation_loss_backward(1.0, cache), temperature * (q - p), atol=1e-14)


def test_cross_entropy_with_the_teachers_probabilities_has_the_same_gradient_and_does_not_reach_zero():
    p, _ = softmax_forward(TEACHER)
    loss, cache = soft_cross_entropy_forward(STUDENT, p)
    mine, my_cache = distillation_loss_forward(STUDENT, TEACHER)
    np.testing.assert_allclose(
        distillation_loss_backward(1.0, my_cache), soft_cross_entropy_backward(1.0, cache).dlogits, atol=1e-15
    )
    entropy = -(p * np.log(p)).sum(-1).mean()
    assert loss - mine == pytest.approx(entropy, rel=1e-12)
    assert distillation_loss_forward(TEACHER + 3.0, TEACHER, 2.0)[0] == pytest.approx(0, abs=1e-14)


def test_at_high_temperature_it_is_regression_of_centred_logits_and_t_squared_keeps_its_size():
    x, z = (logits - logits.mean(axis=-1, keepdims=True) for logits in (STUDENT, TEACHER))
    _, cache = distillation_loss_forward(STUDENT, TEACHER, 1e4, reduction="sum")
    np.testing.assert_allclose(distillation_loss_backward(1.0, cache), (x - z) / V, rtol=0, atol=1e-3)
    norms = []
    for temperature in (10.0, 100.0):
        _, cache = distillation_loss_forward(STUDENT, TEACHER, temperature)
        norms.append(np.linalg.norm(distillation_loss_backward(1.0, cache)))
    assert norms[0] == pytest.approx(norms[1], rel=0.2)  # without T^2 they would differ by 100


def test_the_mean_is_over_the_kept_tokens():
    loss, cache = distillation_loss_forward(STUDENT, TEACHER, 2.0, KEEP)
    each, _ = distillation_loss_forward(STUDENT, TEACHER, 2.0, reduction="none")
    assert loss == pytest.approx(each[KEEP].mean(), rel=1e-14)
    assert not distillation_loss_backward(1.0, cache)[~KEEP].any()


def test_a_class_that_the_teacher_rules_out_costs_nothing_and_is_unlearnt():
    teacher = TEACHER.copy()
    teacher[..., 0] = -math.inf
    loss, cache = distillation_loss_forward(STUDENT, teacher, 2.0)
    grad = distillation_loss_backward(1.0, cache)
    assert math.isfinite(loss) and (grad[..., 0] > 0).all()


def test_bad_input_is_refused():
    for temperature in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="temperature"):
            distillation_loss_forward(STUDENT, TEACHER, temperature)
    with pytest.raises(ValueError, match="teacher"):
        distillation_loss_forward(STUDENT, TEACHER[..., :2])
    with pytest.raises(TypeError, match="keep"):
        distillation_loss_forward(STUDENT, TEACHER, keep=KEEP.astype(int))
