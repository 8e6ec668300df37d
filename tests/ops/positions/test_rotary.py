"""Rotary positions: they keep lengths, see only distances, and come in two layouts that are one."""

import math

import numpy as np
import pytest

from tests.strict_device import StrictArray, synced, upload
from tests.strict_device import xp as device
from tfx.ops.positions.rotary import (
    axial_rotary_tables,
    pairs_to_halves,
    rotary_backward,
    rotary_forward,
    rotary_tables,
)

RNG = np.random.default_rng(0)
B, H, T, D = 2, 3, 5, 8
X = RNG.standard_normal((B, H, T, D))
LAYOUT = pytest.mark.parametrize("layout", ["halves", "pairs"])


def turned(x, start=0, layout="halves", width=D):
    cos, sin = rotary_tables(np.arange(start, start + x.shape[-2]), width)
    return rotary_forward(x, cos, sin, layout)[0]


@LAYOUT
def test_every_pair_is_turned_by_its_own_angle(layout):
    y = turned(X, layout=layout, width=6)
    for m in range(T):
        for i in range(3):
            angle = m / 10000 ** (2 * i / 6)
            first, second = (i, i + 3) if layout == "halves" else (2 * i, 2 * i + 1)
            a, b = X[..., m, first], X[..., m, second]
            np.testing.assert_allclose(y[..., m, first], a * math.cos(angle) - b * math.sin(angle), atol=1e-14)
            np.testing.assert_allclose(y[..., m, second], b * math.cos(angle) + a * math.sin(angle), atol=1e-14)
    assert np.array_equal(y[..., 6:], X[..., 6:]), "only the first 6 features are turned"


def test_pairs_are_complex_numbers_times_e_to_the_i_angle():
    angle = np.arange(T)[:, None] * 10000.0 ** (-np.arange(0, D, 2) / D)
    z = (X[..., 0::2] + 1j * X[..., 1::2]) * np.exp(1j * angle)
    y = turned(X, layout="pairs")
    np.testing.assert_allclose(y[..., 0::2] + 1j * y[..., 1::2], z, atol=1e-14)


def test_halves_are_the_vector_and_its_half_turn():
    """The form in which Llama's code writes it: x cos + rotate_half(x) sin, with both tables twice."""
    cos, sin = (np.concatenate((table, table), axis=-1) for table in rotary_tables(np.arange(T), D))
    rotate_half = np.concatenate((-X[..., D // 2 :], X[..., : D // 2]), axis=-1)
    np.testing.assert_allclose(turned(X), X * cos + rotate_half * sin, rtol=1e-15)


@pytest.mark.parametrize("width", [D, 4])
def test_the_two_layouts_are_the_same_up_to_a_permutation_of_features(width):
    order = pairs_to_halves(D, width)
    assert sorted(order) == list(range(D))
    halves, pairs = turned(X[..., order], width=width), turned(X, layout="pairs", width=width)[..., order]
    assert np.array_equal(halves, pairs)
    assert not np.allclose(turned(X, width=width), turned(X, layout="pairs", width=width))


@LAYOUT
def test_lengths_are_kept_and_position_0_is_the_identity(layout):
    y = turned(X, layout=layout)
    np.testing.assert_allclose((y * y).sum(axis=-1), (X * X).sum(axis=-1), rtol=1e-14)
    assert np.array_equal(y[..., 0, :], X[..., 0, :]) and not np.allclose(y[..., 1:, :], X[..., 1:, :])


@LAYOUT
def test_scores_see_only_the_distance(layout):
    q, k = RNG.standard_normal((2, H, T, D))
    scores, shifted = (turned(q, start, layout) @ turned(k, start, layout).swapaxes(-1, -2) for start in (0, 500))
    np.testing.assert_allclose(shifted, scores, atol=1e-9)
    moved = turned(q, 0, layout) @ turned(k, 1, layout).swapaxes(-1, -2)
    assert np.abs(moved - scores).max() > 0.1, "another distance gives other scores"


@LAYOUT
def test_a_score_is_that_of_a_query_turned_by_the_distance(layout):
    q, k = RNG.standard_normal((2, 1, D))
    m, n = 9, 4
    score = turned(q, m, layout) @ turned(k, n, layout).T
    np.testing.assert_allclose(score, turned(q, m - n, layout) @ k.T, rtol=1e-12)


@LAYOUT
def test_the_backward_is_the_transpose_and_the_inverse(layout):
    cos, sin = rotary_tables(np.arange(T), 6)
    y, cache = rotary_forward(X, cos, sin, layout)
    dy = RNG.standard_normal(X.shape)
    assert (y * dy).sum() == pytest.approx((X * rotary_backward(dy, cache)).sum(), rel=1e-14)
    np.testing.assert_allclose(rotary_backward(y, cache), X, atol=1e-14)


def test_each_sequence_may_have_positions_of_its_own():
    ids = np.array([[0, 1, 2, 3, 4], [7, 7, 0, 2, 100]])
    cos, sin = rotary_tables(ids[:, None], D)
    y, _ = rotary_forward(X, cos, sin)
    for b in range(B):
        np.testing.assert_array_equal(y[b], rotary_forward(X[b], *rotary_tables(ids[b], D))[0])


def test_generating_token_by_token_equals_the_whole_sequence():
    whole = turned(X)
    for t in range(T):
        np.testing.assert_array_equal(turned(X[..., t : t + 1, :], start=t), whole[..., t : t + 1, :])


def test_positions_may_be_fractions():
    """Two half steps are one whole step."""
    cos, sin = rotary_tables(np.array([0.5]), D)
    x = X[0, :, :1]
    half = rotary_forward(x, cos, sin)[0]
    np.testing.assert_allclose(rotary_forward(half, cos, sin)[0], turned(x, start=1), atol=1e-14)


def test_an_image_has_an_axis_for_each_half_of_the_pairs():
    rows, columns = 3, 4
    cos, sin = axial_rotary_tables(rows, columns, D)
    assert cos.shape == sin.shape == (rows * columns, D // 2)
    speeds = 100.0 ** (-np.arange(0, D // 2, 2) / (D // 2))
    for r in range(rows):
        for c in range(columns):
            angle = np.concatenate((r * speeds, c * speeds))
            np.testing.assert_allclose(cos[r * columns + c], np.cos(angle), atol=1e-15)
            np.testing.assert_allclose(sin[r * columns + c], np.sin(angle), atol=1e-15)


def test_scores_of_an_image_see_only_the_offset_along_each_axis():
    rows, columns = 4, 5
    q, k = RNG.standard_normal((2, D))
    cos, sin = axial_rotary_tables(rows, columns, D)
    everywhere = [rotary_forward(np.broadcast_to(z, (rows * columns, D)), cos, sin)[0] for z in (q, k)]
    scores = (everywhere[0] @ everywhere[1].T).reshape(rows, columns, rows, columns)
    np.testing.assert_allclose(scores[1:, 1:, 1:, 1:], scores[:-1, :-1, :-1, :-1], atol=1e-12)
    assert abs(scores[0, 0, 1, 0] - scores[0, 0, 0, 1]) > 1e-3, "a step down is not a step to the right"


def test_no_tokens_and_no_places():
    cos, sin = rotary_tables(np.arange(0), 4)
    y, cache = rotary_forward(X[:, :, :0], cos, sin)
    assert y.shape == rotary_backward(y, cache).shape == (B, H, 0, D)
    assert axial_rotary_tables(3, 0, 4)[0].shape == (0, 2)
    one_column, line = axial_rotary_tables(3, 1, 4), rotary_tables(np.arange(3), 2)
    np.testing.assert_array_equal(one_column[1], np.hstack((line[1], np.zeros((3, 1)))))


def test_tables_are_made_where_the_positions_are():
    waits = synced.count
    made = [*rotary_tables(upload(np.arange(T)), D), *rotary_tables(np.arange(T), D, xp=device)]
    made += [*axial_rotary_tables(2, 3, D, xp=device), pairs_to_halves(D, xp=device)]
    assert synced.count == waits and all(isinstance(table, StrictArray) for table in made)
    assert np.array_equal(made[0].get(), rotary_tables(np.arange(T), D)[0])
    assert rotary_tables(np.arange(T), D, dtype="float32")[0].dtype == np.float32


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rotary_tables(np.arange(3), 5), "even and positive, not 5"),
        (lambda: axial_rotary_tables(2, 2, 6), "4 must divide the width, not 6"),
        (lambda: rotary_forward(X, *rotary_tables(np.arange(T), D), layout="rows"), "halves, pairs, not 'rows'"),
        (lambda: rotary_forward(X, *rotary_tables(np.arange(T), 12)), "width 8 but the tables turn 12"),
        (lambda: rotary_forward(X, *rotary_tables(np.arange(4), D)), r"tables \(4, 4\) do not broadcast"),
        (lambda: rotary_forward(X[0, 0], *rotary_tables(np.ones((2, T)), D)), r"do not broadcast"),
        (lambda: rotary_forward(X, np.ones((T, 4)), np.ones((T, 2))), "cosines .* sines"),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
