"""Complex embeddings: the two demands that lead to them, and what they contain as special cases."""

import cmath

import numpy as np
import pytest

from tfx.nn.complex_embedding import ComplexEmbedding
from tfx.ops.basics.embedding import embedding_forward
from tfx.ops.positions.complex_embedding import complex_embedding_backward, complex_embedding_forward
from tfx.ops.positions.positions import sinusoidal_positions
from tfx.ops.positions.sinusoids import angular_speeds

RNG = np.random.default_rng(0)
IDS = np.array([[3, 0, 3, 3, 1], [2, 2, 0, 1, 3]])
TABLES = [RNG.standard_normal((4, 3)) for _ in range(3)]


def waves(ids, start=0):
    y, _ = complex_embedding_forward(ids, *TABLES, start=start)
    return y[..., :3] + 1j * y[..., 3:]


def test_every_number_is_the_formula():
    amplitude, frequency, phase = TABLES
    z = waves(IDS, start=2)
    for b in range(2):
        for t in range(5):
            for c in range(3):
                j = IDS[b, t]
                want = amplitude[j, c] * cmath.exp(1j * (frequency[j, c] * (2 + t) + phase[j, c]))
                assert z[b, t, c] == pytest.approx(want, abs=1e-14)


def test_a_step_is_the_same_map_wherever_it_starts_and_nothing_grows():
    same_word = np.full(200, 3)
    z = waves(same_word)
    np.testing.assert_allclose(z[5:], z[:-5] * np.exp(5j * TABLES[1][3]), atol=1e-12)
    np.testing.assert_allclose(np.abs(z), np.broadcast_to(np.abs(TABLES[0][3]), z.shape), rtol=1e-13)


def test_without_frequency_and_phase_it_is_an_ordinary_embedding():
    nothing = np.zeros((4, 3))
    y, _ = complex_embedding_forward(IDS, TABLES[0], nothing, nothing)
    assert np.array_equal(y[..., :3], embedding_forward(IDS, TABLES[0])[0]) and not y[..., 3:].any()


def test_with_shared_frequencies_and_amplitude_1_it_is_the_sinusoidal_table():
    speeds = np.broadcast_to(angular_speeds(6), (4, 3))
    y, _ = complex_embedding_forward(IDS, np.ones((4, 3)), speeds, np.zeros((4, 3)))
    table = sinusoidal_positions(5, 6)
    np.testing.assert_allclose(y, np.broadcast_to(np.hstack((table[:, 1::2], table[:, 0::2])), y.shape), atol=1e-14)


def test_words_that_do_not_occur_and_places_0_send_nothing_to_the_frequencies():
    y, cache = complex_embedding_forward(np.array([[2], [1]]), *TABLES)
    grads = complex_embedding_backward(np.ones_like(y), cache)
    assert not grads.dfrequency.any(), "all tokens stand at place 0"
    assert np.array_equal(grads.dphase.any(axis=1), [False, True, True, False])


def test_the_layer_starts_with_the_speeds_of_the_sinusoids():
    layer = ComplexEmbedding(4, 6, RNG, "float64")
    np.testing.assert_array_equal(layer.frequency.value[2], angular_speeds(6))
    whole, _ = layer.forward(IDS)
    assert whole.shape == (2, 5, 6) and np.array_equal(layer.forward(IDS[:, 2:], start=2)[0], whole[:, 2:])


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"\(4, 3\), \(4, 2\) and \(4, 3\), not of one shape"):
        complex_embedding_forward(IDS, TABLES[0], TABLES[1][:, :2], TABLES[2])
    with pytest.raises(ValueError, match="width 5 cannot be shared out"):
        ComplexEmbedding(4, 5, RNG)
