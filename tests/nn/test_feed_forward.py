"""The feed-forward layer, its gates, and what they cost."""

import numpy as np
import pytest

from tfx.nn.feed_forward import FeedForward, FeedForwardSettings, gated_width
from tfx.nn.low_rank import LowRankFeedForward, LowRankLinear
from tfx.ops.feed_forward.gated import GATES, glu_forward

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 5, 6))


@pytest.mark.parametrize("gate", GATES)
def test_a_gated_unit_multiplies_the_first_map_by_its_gate(gate):
    layer = FeedForward(6, 8, RNG, gate, "float64")
    hidden, _ = glu_forward(layer.gate.forward(X)[0], layer.first.forward(X)[0], GATES[gate])
    np.testing.assert_array_equal(layer.forward(X)[0], layer.second.forward(hidden)[0])
    assert list(layer.parameters()) == ["first.w", "first.b", "gate.w", "gate.b", "second.w", "second.b"]


def test_a_plain_network_has_no_gate_and_may_have_no_biases():
    assert list(FeedForward(6, 8, RNG, bias=False).parameters()) == ["first.w", "second.w"]


@pytest.mark.parametrize("width", [6, 96, 768])
def test_two_thirds_of_the_width_keep_the_number_of_parameters(width):
    plain = FeedForward(width, 4 * width, RNG, "gelu", bias=False)
    gated = FeedForward(width, gated_width(4 * width), RNG, "swiglu", bias=False)
    assert gated.n_parameters == plain.n_parameters == 8 * width * width


def test_the_width_can_be_rounded_to_what_suits_the_machine():
    assert gated_width(4 * 4096) == 10923  # LLaMA 7B has 11008, the next multiple of 256
    assert gated_width(4 * 4096, 256) == 11008
    assert gated_width(10, 256) == 256


def test_a_low_rank_map_has_rank_r_and_fewer_parameters():
    layer = LowRankLinear(12, 20, 3, RNG, bias=False, dtype="float64")
    assert np.linalg.matrix_rank(layer.forward(np.eye(12))[0]) == 3
    assert layer.n_parameters == 3 * (12 + 20)


def test_a_low_rank_network_is_the_plain_one_of_its_products():
    low = LowRankFeedForward(FeedForwardSettings(6, 8, dtype="float64"), 2, RNG)
    plain = FeedForward(6, 8, RNG, "gelu", "float64")
    for thin, full in ((low.first, plain.first), (low.second, plain.second)):
        full.w.value[...] = thin.u.value @ thin.v.value
    np.testing.assert_allclose(low.forward(X)[0], plain.forward(X)[0], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: FeedForward(6, 8, RNG, "swish"), "relu, .*, swiglu, not 'swish'"),
        (lambda: LowRankLinear(6, 8, 7, RNG), r"\(6, 8\) cannot have rank 7"),
        (lambda: LowRankFeedForward(FeedForwardSettings(6, 8, activation="swiglu"), 2, RNG), "not 'swiglu'"),
    ],
)
def test_impossible_settings_are_refused_by_name(make, said):
    with pytest.raises(ValueError, match=said):
        make()
