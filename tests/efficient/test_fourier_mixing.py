"""Fourier mixing: a fixed, symmetric mixing of all tokens."""

import math

import numpy as np
import pytest

from tests.efficient.growth import peak_bytes
from tfx.efficient.fourier_mixing import fourier_mixing_backward, fourier_mixing_forward
from tfx.gradcheck import check_adjoint
from tfx.nn.fourier_mixing import FourierMixing
from tfx.ops.attention.masks import causal_mask, padding_mask

RNG = np.random.default_rng
T, C = 5, 6


def matrix(t, c):
    """All coefficients cos(2 pi (t s / T + c d / C)), as (T C, T C)."""
    phases = np.multiply.outer(np.outer(range(t), range(t)) / t, np.ones((c, c)))
    phases = phases + np.outer(range(c), range(c)) / c
    return np.cos(2 * math.pi * phases).transpose(0, 2, 1, 3).reshape(t * c, t * c)


def test_it_is_the_matrix_of_cosines_which_is_symmetric():
    x, m = RNG(0).standard_normal((T, C)), matrix(T, C)
    np.testing.assert_allclose(fourier_mixing_forward(x)[0].ravel(), m @ x.ravel(), atol=1e-12)
    batch = np.stack((x, 2 * x, x))
    np.testing.assert_allclose(fourier_mixing_forward(batch)[0][1].ravel(), 2 * m @ x.ravel(), atol=1e-12)
    np.testing.assert_allclose(m, m.T, atol=1e-12)


def test_the_backward_is_the_adjoint():
    inputs = {"x": RNG(0).standard_normal((2, T, C))}
    assert check_adjoint(fourier_mixing_forward, fourier_mixing_backward, inputs).worst < 1e-14


def test_the_backward_is_the_forward_once_more():
    dy = RNG(0).standard_normal((2, T, C))
    _, cache = fourier_mixing_forward(dy)
    assert np.array_equal(fourier_mixing_backward(dy, cache), fourier_mixing_forward(dy)[0])


def test_twice_it_gives_back_the_even_part():
    x = RNG(0).standard_normal((T, C))
    twice = fourier_mixing_forward(fourier_mixing_forward(x)[0])[0]
    mirrored = x[-np.arange(T) % T][:, -np.arange(C) % C]
    np.testing.assert_allclose(twice, T * C * (x + mirrored) / 2, atol=1e-11)


def test_the_first_output_is_the_sum_of_everything_and_every_token_reaches_every_output():
    x = RNG(0).standard_normal((T, C))
    y, _ = fourier_mixing_forward(x)
    assert y[0, 0] == pytest.approx(x.sum(), abs=1e-12)
    x2 = x.copy()
    x2[3] += RNG(1).standard_normal(C)
    assert (fourier_mixing_forward(x2)[0] != y).all()


def test_padding_counts_as_zeros_whatever_it_holds():
    x = RNG(0).standard_normal((2, T, C))
    keys = np.array([[True] * T, [True] * 3 + [False] * 2])
    zeroed = np.where(keys[..., None], x, 0)
    assert np.array_equal(fourier_mixing_forward(x, keys)[0], fourier_mixing_forward(zeroed)[0])


@pytest.mark.parametrize("shape", [(2, 0, C), (0, T, C), (2, 1, 1)])
def test_short_sequences_work_both_ways(shape):
    y, cache = fourier_mixing_forward(np.ones(shape))
    assert y.shape == fourier_mixing_backward(y, cache).shape == shape


def test_memory_grows_with_the_length():
    small, large = (peak_bytes(fourier_mixing_forward, np.ones((n, 8))) for n in (512, 4096))
    assert large < 10 * small


def test_the_layer_takes_the_padding_mask_of_a_model_and_refuses_what_it_cannot_do():
    layer, x = FourierMixing(), RNG(0).standard_normal((2, T, C))
    y, cache = layer.forward(x, mask=padding_mask([T, 3], T))
    assert np.array_equal(y[0], layer.forward(x)[0][0]) and not np.array_equal(y[1], layer.forward(x)[0][1])
    assert layer.parameters() == {}
    with pytest.raises(ValueError, match="block each key for all queries or none"):
        layer.forward(x, mask=causal_mask(T))
    with pytest.raises(ValueError, match="mask has 3 heads but Fourier mixing has none"):
        layer.forward(x, mask=np.ones((2, 3, 1, T), bool))
    with pytest.raises(ValueError, match="one whole sequence, and here are two"):
        layer.forward(x, x)
    with pytest.raises(ValueError, match="Fourier mixing has none"):
        layer.backward(y, cache, dweights=y)
