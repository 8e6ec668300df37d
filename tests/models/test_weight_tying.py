"""One matrix in several places: its gradient is the sum of what every place asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

V, C = 11, 6
SIZE: dict[str, Any] = {"d_model": C, "n_heads": 2, "d_ff": 7, "n_layers": 1, "dtype": "float64"}
RNG = np.random.default_rng(0)
SRC, TGT, TARGETS = RNG.integers(V, size=(3, 5)), RNG.integers(V, size=(3, 4)), RNG.integers(V, size=(3, 4))


def matrices(model: Any) -> list[str]:
    """The parameters with one row or one column for every token."""
    return [
        name for name, parameter in model.parameters().items() if V in parameter.shape and len(parameter.shape) == 2
    ]


def logits_after_backward(model: Any) -> np.ndarray:
    model.zero_grad()
    logits, cache = model.forward(SRC, TGT) if isinstance(model, EncoderDecoder) else model.forward(TGT)
    _, loss_cache = cross_entropy_forward(logits, TARGETS)
    model.backward(cross_entropy_backward(1.0, loss_cache), cache)
    return logits


def test_an_encoder_decoder_has_one_two_or_three_matrices():
    shared = EncoderDecoder(V, **SIZE)
    two = EncoderDecoder(V, tgt_vocab=V, **SIZE)
    three = EncoderDecoder(V, tgt_vocab=V, tied=False, **SIZE)
    assert matrices(shared) == ["embedding.table"]
    assert matrices(two) == ["embedding.table", "tgt_embedding.table"]
    assert matrices(three) == ["embedding.table", "tgt_embedding.table", "output.linear.w"]
    assert shared.n_parameters == two.n_parameters - V * C == three.n_parameters - 2 * V * C - V  # and an offset


@pytest.mark.parametrize("kind", [Encoder, DecoderOnly, EncoderDecoder])
def test_the_gradient_of_a_tied_matrix_is_the_sum_over_its_untied_copies(kind):
    tied = kind(V, **SIZE)
    copies = {"tgt_vocab": V} if kind is EncoderDecoder else {}
    untied = kind(V, tied=False, **copies, **SIZE)
    table = tied.embedding.table.value
    values = {name: np.zeros(V) if name == "output.linear.b" else table for name in untied.parameters()}
    values |= {"output.linear.w": table.T} | tied.state()
    untied.load_state({name: values[name] for name in untied.parameters()})
    np.testing.assert_allclose(logits_after_backward(tied), logits_after_backward(untied), rtol=1e-13)
    parameters = untied.parameters()
    tables = [parameters[name].grad for name in matrices(untied) if name != "output.linear.w"]
    assert len(tables) == (2 if kind is EncoderDecoder else 1)
    expected = sum(tables) + parameters["output.linear.w"].grad.T
    np.testing.assert_allclose(tied.embedding.table.grad, expected, rtol=1e-12, atol=1e-15)


def test_without_scaling_the_look_up_enters_the_model_smaller_by_the_root_of_the_width():
    scaled, bare = (DecoderOnly(V, positions="none", scaled_embedding=flag, **SIZE) for flag in (True, False))
    inputs = [model.forward(TGT)[1].blocks[0].x for model in (scaled, bare)]
    np.testing.assert_allclose(inputs[0], inputs[1] * np.sqrt(C), rtol=1e-15)
    assert np.array_equal(inputs[1], bare.embedding.table.value[TGT])
