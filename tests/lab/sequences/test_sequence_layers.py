"""An RNN and self-attention behind one call: what is measured on them is what it says."""

import numpy as np
import pytest

from tfx.lab.sequences.sequence_layers import (
    Recurrent,
    SelfAttention,
    change_by_place,
    gradient_by_distance,
    kept_numbers,
    order_gap,
    seconds,
    through_depth,
    trend,
)
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.self_attention import self_attention_forward

D, N = 5, 9


def both(seed: int = 0, radius: float = 0.9):
    rng = np.random.default_rng(seed)
    return (Recurrent.random(rng, D, radius), SelfAttention.random(rng, D)), rng.standard_normal((1, N, D))


@pytest.mark.parametrize("which", [0, 1])
def test_the_gradient_by_distance_is_the_slope_of_the_last_output(which):
    layers, x = both()
    layer, step = layers[which], 1e-6
    jacobian = np.zeros((N, D, D))  # d(last output)[c] / d(input k back)[a]
    for k in range(N):
        for a in range(D):
            nudge = np.zeros_like(x)
            nudge[0, N - 1 - k, a] = step
            jacobian[k, a] = (layer.forward(x + nudge)[0][0, -1] - layer.forward(x - nudge)[0][0, -1]) / (2 * step)
    rng = np.random.default_rng(4)
    u = rng.standard_normal((3, D))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    expected = np.linalg.norm(np.einsum("kac,uc->uka", jacobian, u), axis=-1).mean(axis=0)
    assert gradient_by_distance(layer, x, np.random.default_rng(4), directions=3) == pytest.approx(expected, rel=1e-5)


def test_a_recurrent_matrix_has_the_radius_that_was_asked_for_and_is_only_stretched():
    (rnn, _), _ = both(radius=1.2)
    assert np.abs(np.linalg.eigvals(rnn.w_h)).max() == pytest.approx(1.2)
    other = rnn.stretched(0.3)
    assert np.array_equal(other.w_x, rnn.w_x) and other.w_h == pytest.approx(rnn.w_h / 4)


def test_without_bend_the_gradient_of_an_rnn_is_a_power_of_its_radius():
    (rnn, _), x = both()
    left = {}
    for radius in (0.5, 1.5):
        sizes = gradient_by_distance(rnn.stretched(radius), 1e-9 * x, np.random.default_rng(0))
        left[radius] = sizes[8] / sizes[1]
    assert left[1.5] / left[0.5] == pytest.approx(3.0**7)


def test_news_of_the_first_token_moves_the_outputs_by_what_is_said():
    (rnn, attention), x = both()
    other = x + np.array([1.0] + [0.0] * (N - 1))[None, :, None]
    for layer in (rnn, attention):
        moved = np.abs(layer.forward(other)[0] - layer.forward(x)[0])[0].max(axis=1)
        assert np.array_equal(change_by_place(layer, x), moved)
    later = change_by_place(rnn, x)[::-1]
    assert later[0] < later[-1] / 10 and change_by_place(attention, x).min() > 0
    assert x.shape == (1, N, D)


def test_attention_commutes_with_every_shuffle_unless_it_is_masked():
    (rnn, attention), x = both()
    shuffle = np.array([3, 1, 0, 2, 8, 7, 6, 5, 4])
    assert order_gap(attention, x, shuffle) < 1e-14 < 0.1 < order_gap(rnn, x, shuffle)

    class Masked(SelfAttention):
        def forward(self, x):
            return self_attention_forward(x, self.w_q, self.w_k, self.w_v, causal_mask(x.shape[1]))

    assert order_gap(Masked(*vars(attention).values()), x, shuffle) > 0.1


def test_a_trend_is_the_slope_of_the_logarithm_with_its_error():
    rng = np.random.default_rng(0)
    k = np.arange(200)
    exact = trend(2.0 * 0.9**k)
    assert exact[0] == pytest.approx(np.log(0.9)) and exact[1] < 1e-12
    slopes, errors = zip(*(trend(np.exp(-0.01 * k + rng.standard_normal(200))) for _ in range(400)), strict=True)
    assert np.mean(slopes) == pytest.approx(-0.01, abs=2e-4)
    assert np.mean(errors) == pytest.approx(np.std(slopes), rel=0.1)
    assert trend(np.append(1e9, 0.9 ** k[1:]))[0] == pytest.approx(np.log(0.9))  # a token's own share is left out
    with pytest.raises(ValueError, match="needs three distances"):
        trend(np.ones(3))


def test_bare_depth_makes_tokens_alike_and_a_residual_keeps_them_apart():
    rng = np.random.default_rng(0)
    layers, x = [SelfAttention.random(rng, D) for _ in range(6)], rng.standard_normal((1, N, D))
    bare, added = (through_depth(layers, x, np.random.default_rng(1), residual) for residual in (False, True))
    assert bare[0] == added[0] and [row["depth"] for row in bare] == [1, 2, 3, 4, 5, 6]
    assert bare[-1]["spread"] < 1e-6 and bare[-1]["gradient"] < 1e-6
    assert added[-1]["spread"] > 0.1 and added[-1]["gradient"] > 0.01


def test_kept_numbers_are_states_for_the_rnn_and_projections_with_weights_for_attention():
    (rnn, attention), x = both()
    assert kept_numbers(attention, x) == 3 * N * D + N * N  # q, k, v and P
    assert kept_numbers(rnn, x) == 2 * N * D + D  # every state, what tanh bent, and the state before the first


def test_a_layer_has_the_type_of_its_input_and_both_are_timed():
    (rnn, attention), x = both()
    for layer in (rnn, attention):
        assert layer.forward(x.astype(np.float32))[0].dtype == np.float32
    times = seconds(np.random.default_rng(0), {"rnn": rnn, "attention": attention}, 16, D, turns=3)
    assert set(times) == {"rnn", "attention"} and all(timing.median > 0 for timing in times.values())
