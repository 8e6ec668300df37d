"""Whole models: the hand-written backward agrees with finite differences of the loss, tensor by tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.gradcheck import richardson
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.params import flatten

B, T, S, V = 2, 5, 7, 6
SIZE: dict[str, Any] = {"d_model": 12, "n_heads": 3, "d_ff": 10, "n_layers": 2, "max_len": 8, "dtype": "float64"}
SRC = np.random.default_rng(0).integers(V, size=(B, S))
IDS = np.random.default_rng(1).integers(V, size=(B, T))
TARGETS = np.random.default_rng(2).integers(V, size=(B, T))
LENGTHS = np.array([T, 3])
KEEP = np.arange(T) < LENGTHS[:, None]


def forward(model: Any, dropout_seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(dropout_seed)  # the same masks in every evaluation
    if isinstance(model, EncoderDecoder):
        return model.forward(SRC, IDS, np.array([4, S]), LENGTHS, rng=rng)
    return model.forward(IDS, lengths=LENGTHS, rng=rng)


def loss_of(model: Any) -> float:
    return float(cross_entropy_forward(forward(model, 5)[0], TARGETS, 0.1, KEEP)[0])


def worst_error(model: Any) -> float:
    """The worst relative error over all parameter tensors, along one random direction each."""
    flat = flatten(model)
    rng = np.random.default_rng(3)
    flat.value[...] += 0.1 * rng.standard_normal(flat.value.size)  # away from zero biases and unit gains
    logits, cache = forward(model, 5)
    _, ce_cache = cross_entropy_forward(logits, TARGETS, 0.1, KEEP)
    model.zero_grad()
    model.backward(cross_entropy_backward(1.0, ce_cache), cache)
    errors = []
    for parameter in model.parameters().values():
        direction = rng.standard_normal(parameter.shape)
        direction /= np.linalg.norm(direction)
        at = parameter.value.copy()

        def difference(h: float, parameter=parameter, at=at, direction=direction) -> float:
            parameter.value[...] = at + h * direction
            above = loss_of(model)
            parameter.value[...] = at - h * direction
            below = loss_of(model)
            parameter.value[...] = at
            return (above - below) / (2 * h)

        numeric, _ = richardson(difference, step=2e-2)
        analytic = float((parameter.grad * direction).sum())
        errors.append(abs(analytic - numeric) / max(np.linalg.norm(parameter.grad), 1e-3))
    return max(errors)


@pytest.mark.parametrize("kind", [Encoder, DecoderOnly, EncoderDecoder])
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize(("positions", "tied"), [("learned", True), ("sinusoidal", False)])
def test_every_parameter_of_a_model_has_the_gradient_of_its_loss(kind, norm, positions, tied):
    layers = 1 if kind is EncoderDecoder else 2  # it has as many again in its decoder
    model = kind(V, norm_place=norm, positions=positions, tied=tied, dropout=0.2, **SIZE | {"n_layers": layers})
    assert worst_error(model) < 1e-8


def test_separate_vocabularies_have_right_gradients():
    model = EncoderDecoder(V + 3, tgt_vocab=V, dropout=0.1, **SIZE | {"n_layers": 1})
    assert worst_error(model) < 1e-8


def test_the_check_notices_a_backward_that_forgets_a_residual(monkeypatch):
    from tfx.nn.residual import Residual

    right = Residual.leave_backward

    def without_residual(self, norm, dy, cache):
        dx, df = right(self, norm, dy, cache)
        return 0 * dx, df

    monkeypatch.setattr(Residual, "leave_backward", without_residual)
    assert worst_error(Encoder(V, **SIZE)) > 1e-3


def test_the_tied_gradient_is_the_sum_of_both_uses():
    tied = DecoderOnly(V, tied=True, **SIZE)
    untied = DecoderOnly(V, tied=False, **SIZE)
    state = tied.state()
    table = state["embedding.table"]
    untied.load_state({**state, "output.linear.w": table.T, "output.linear.b": np.zeros(V)})
    for model in (tied, untied):
        logits, cache = model.forward(IDS)
        model.backward(cross_entropy_backward(1.0, cross_entropy_forward(logits, TARGETS)[1]), cache)
    looked_up = untied.parameters()["embedding.table"].grad
    read_out = untied.parameters()["output.linear.w"].grad.T
    assert abs(looked_up).max() > 0 and abs(read_out).max() > 0
    np.testing.assert_allclose(tied.parameters()["embedding.table"].grad, looked_up + read_out, rtol=1e-12, atol=1e-15)
