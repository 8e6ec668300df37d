"""The pointing loss: cross-entropy on a row of attention weights."""

import numpy as np
import pytest

from tfx.ops.attention.pointing import pointing_backward, pointing_forward
from tfx.ops.attention.scaled_dot_product import attention_backward_steps, attention_forward

RNG = np.random.default_rng(0)
ROWS, TARGETS = np.array([1, 4]), np.array([6, 0])
KEEP = np.array([[True] * 7, [True] * 4 + [False] * 3])
HEADS = 3


def _attention(mask=None):
    q, k, v = (RNG.standard_normal((2, HEADS, n, 3)) for n in (5, 7, 7))
    return attention_forward(q, k, v, mask)


def test_the_loss_is_the_mean_of_minus_log_weight():
    weights = _attention()[1].weights
    loss, _ = pointing_forward(weights, ROWS, TARGETS)
    by_hand = [-np.log(weights[0, h, 1, 6]) - np.log(weights[1, h, 4, 0]) for h in range(HEADS)]
    assert loss == pytest.approx(sum(by_hand) / (2 * HEADS))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_on_the_scores_the_gradient_is_weights_minus_target_over_the_batch(smoothing):
    out, cache = _attention(KEEP[:, None, None])
    _, pointing = pointing_forward(cache.weights, ROWS, TARGETS, smoothing, KEEP)
    ds = attention_backward_steps(np.zeros_like(out), cache, pointing_backward(1.0, pointing)).ds
    expected = np.zeros_like(ds)
    for b, (row, target) in enumerate(zip(ROWS, TARGETS, strict=True)):
        wanted = smoothing * KEEP[b] / KEEP[b].sum()
        wanted[target] += 1 - smoothing
        expected[b, :, row] = (cache.weights[b, :, row] - wanted) / (2 * HEADS)
    assert np.abs(ds - expected).max() < 1e-14


def test_smoothing_never_pulls_towards_padding():
    weights = _attention(KEEP[:, None, None])[1].weights
    loss, cache = pointing_forward(weights, ROWS, TARGETS, 0.1, KEEP)
    assert np.isfinite(loss)
    assert not pointing_backward(1.0, cache)[1, ..., 4:].any()


def test_with_smoothing_the_best_weight_is_below_one():
    def loss_at(top: float) -> float:
        weights = np.full((1, 1, 1, 5), (1 - top) / 4)
        weights[..., 2] = top
        return float(pointing_forward(weights, np.array([0]), np.array([2]), 0.1)[0])

    tops = np.linspace(0.5, 0.999, 500)
    assert tops[np.argmin([loss_at(top) for top in tops])] == pytest.approx(0.9 + 0.1 / 5, abs=1e-3)


def test_without_a_loss_on_the_weights_the_backward_is_the_plain_one():
    out, cache = _attention()
    dout = RNG.standard_normal(out.shape)
    plain, with_zeros = (attention_backward_steps(dout, cache, extra) for extra in (None, np.zeros_like(cache.weights)))
    assert all(np.array_equal(a, b) for a, b in zip(plain, with_zeros, strict=True))


def test_a_weight_of_zero_gives_a_large_and_finite_loss_and_gradient():
    for dtype in (np.float32, np.float64):
        weights = np.zeros((2, HEADS, 5, 7), dtype=dtype)
        loss, cache = pointing_forward(weights, ROWS, TARGETS)
        dweights = pointing_backward(1.0, cache)
        assert np.isfinite(loss) and loss > 50 and np.isfinite(dweights).all()
        assert loss.dtype == dweights.dtype == dtype


def test_only_the_weights_that_were_read_get_a_gradient():
    _, cache = pointing_forward(_attention()[1].weights, ROWS, TARGETS)
    read = [[0, h, 1, 6] for h in range(HEADS)] + [[1, h, 4, 0] for h in range(HEADS)]
    assert np.argwhere(pointing_backward(1.0, cache)).tolist() == read


def test_one_row_and_one_target_per_example_are_asked_for():
    weights = _attention()[1].weights
    with pytest.raises(ValueError, match="one row and one target"):
        pointing_forward(weights, ROWS[:1], TARGETS)
    with pytest.raises(ValueError, match="one row and one target"):
        pointing_forward(weights[0], ROWS, TARGETS)
    with pytest.raises(ValueError, match="smoothing"):
        pointing_forward(weights, ROWS, TARGETS, 1.0)
