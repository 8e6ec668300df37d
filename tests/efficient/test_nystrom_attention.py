"""Nystrom attention: exact when every token is a landmark, close when neighbours are alike, linear in the length."""

import itertools

import numpy as np
import pytest

from tests.efficient.growth import attending, growth, operations, peak_bytes
from tfx.efficient.iterative_inverse import iterative_inverse_backward, iterative_inverse_forward
from tfx.efficient.nystrom_attention import nystrom_attention_backward, nystrom_attention_forward, segment_means
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward

RNG = np.random.default_rng

#: Enough for the matrices here: 20 x 20, of normal queries and keys of width 6.
CONVERGED = 25


def qkv(t=20, seed=0):
    return RNG(seed).standard_normal((3, 2, 3, t, 6))


def worst(out, want):
    return np.abs(out - want).max()


def test_with_every_token_a_landmark_it_is_exact_once_the_iteration_has_converged():
    q, k, v = qkv()
    want, exact = attention_forward(q, k, v)
    out, cache = nystrom_attention_forward(q, k, v, n_landmarks=20, n_iterations=CONVERGED)
    assert worst(out, want) < 1e-12
    dout = RNG(1).standard_normal(out.shape)
    for a, b in zip(nystrom_attention_backward(dout, cache), attention_backward(dout, exact), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)  # the inverse of A, twice: its condition is felt
    six = nystrom_attention_forward(q, k, v, n_landmarks=20)[0]
    assert worst(six, want) > 1e-3, "the six steps of the paper are too few for that"


def test_the_paper_s_six_steps_and_32_landmarks_are_taken_unless_told():
    q, k, v = RNG(0).standard_normal((3, 70, 6))
    told = nystrom_attention_forward(q, k, v, n_landmarks=32, n_iterations=6)[0]
    assert np.array_equal(nystrom_attention_forward(q, k, v)[0], told)
    a = RNG(0).random((4, 4))
    assert np.array_equal(iterative_inverse_forward(a)[0], iterative_inverse_forward(a, 6)[0])


def test_where_landmarks_are_much_alike_more_steps_magnify_rounding():
    """The least singular value of the landmarks' weights is about 1e-7, float32's own rounding."""
    q, k, v = RNG(0).standard_normal((3, 64, 8))
    q, k, v = (x.astype("float32") for x in (0.01 * q, k, v))
    want, _ = attention_forward(*(x.astype("float64") for x in (q, k, v)))
    few, many = (nystrom_attention_forward(q, k, v, n_landmarks=16, n_iterations=n) for n in (6, 30))
    assert worst(few[0], want) < 0.01 < 0.1 < worst(many[0], want)
    assert np.abs(few[1].z).max() < 10 < 1e6 < np.abs(many[1].z).max()


def test_padding_leaves_it_exact():
    q, k, v = qkv()
    mask = padding_mask([20, 11], 20)
    settings = {"n_landmarks": 20, "n_iterations": CONVERGED}
    out, cache = nystrom_attention_forward(q, k, v, mask, **settings)
    want, _ = attention_forward(q, k, v, mask)
    assert worst(out[0], want[0]) < 1e-12 and worst(out[1, :, :11], want[1, :, :11]) < 1e-12
    alone, _ = nystrom_attention_forward(q[1, :, :11], k[1, :, :11], v[1, :, :11], **settings)
    assert worst(out[1, :, :11], alone) < 1e-12
    dk, dv = nystrom_attention_backward(np.ones_like(out), cache)[1:]
    assert not dk[1, :, 11:].any() and not dv[1, :, 11:].any()


def test_a_segment_of_padding_is_as_if_it_were_not_there():
    q, k, v = qkv(12)
    out, _ = nystrom_attention_forward(q, k, v, padding_mask([12, 8], 12), n_landmarks=3)
    alone, _ = nystrom_attention_forward(q[1, :, :8], k[1, :, :8], v[1, :, :8], n_landmarks=2)
    np.testing.assert_allclose(out[1, :, :8], alone, atol=1e-12)


def test_the_error_falls_with_the_landmarks_when_neighbours_are_alike():
    phases = np.linspace(0, 2 * np.pi, 64)[:, None] * np.arange(1, 4)
    x = np.concatenate((np.sin(phases), np.cos(phases)), axis=-1)
    want, _ = attention_forward(x, x, x)
    errors = [worst(nystrom_attention_forward(x, x, x, n_landmarks=m)[0], want) for m in (4, 8, 16)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.01 * errors[0]


def test_tokens_that_are_equal_within_their_segment_lose_nothing():
    q, k, v = (np.repeat(x, 4, axis=-2) for x in qkv(5))
    out, _ = nystrom_attention_forward(q, k, v, n_landmarks=5, n_iterations=CONVERGED)
    assert worst(out, attention_forward(q, k, v)[0]) < 1e-12


def test_nothing_to_read_gives_zeros():
    q, k, v = qkv(5)
    out, cache = nystrom_attention_forward(q, k, v, np.zeros((1, 5), bool))
    assert not out.any()
    assert not any(grad.any() for grad in nystrom_attention_backward(np.ones_like(out), cache))


@pytest.mark.parametrize(("t", "s"), [(0, 3), (3, 0), (0, 0), (1, 1), (1, 5)])
def test_short_sequences_work_both_ways(t, s):
    q, k, v = (RNG(0).standard_normal((2, n, 4)) for n in (t, s, s))
    out, cache = nystrom_attention_forward(q, k, v)
    assert out.shape == (2, t, 4)
    assert [g.shape for g in nystrom_attention_backward(out, cache)] == [x.shape for x in (q, k, v)]


def test_segments_cover_every_token_once_and_differ_by_one_at_most():
    means, _ = segment_means(11, 4, None, "float64", np)
    lengths = (means > 0).sum(axis=-1)
    assert sorted(set(lengths)) == [2, 3] and lengths.sum() == 11
    np.testing.assert_allclose(means.sum(axis=-1), 1)
    assert ((means > 0).sum(axis=0) == 1).all()
    np.testing.assert_allclose(means @ np.ones(11), 1)


def test_time_and_memory_grow_with_the_length_and_not_with_its_square():
    run = attending(nystrom_attention_forward, nystrom_attention_backward, n_landmarks=8)
    assert growth(operations, run) <= 1.01
    assert growth(peak_bytes, run) <= 1.1


def test_the_iteration_finds_the_inverse_and_the_pseudo_inverse():
    a = RNG(0).random((2, 5, 5)) + 2 * np.eye(5)
    np.testing.assert_allclose(iterative_inverse_forward(a, 12)[0], np.linalg.inv(a), atol=1e-12)
    wide = RNG(0).random((3, 5))
    np.testing.assert_allclose(iterative_inverse_forward(wide, 20)[0], np.linalg.pinv(wide), atol=1e-11)
    singular = np.ones((4, 4))
    np.testing.assert_allclose(iterative_inverse_forward(singular, 20)[0], singular / 16, atol=1e-12)


def test_where_it_is_far_from_its_end_a_step_enlarges_the_result_thirteen_fourths_times():
    small = [iterative_inverse_forward(np.diag([1.0, 1e-6]), n)[0][1, 1] for n in range(8)]
    np.testing.assert_allclose(small, 1e-6 * (13 / 4) ** np.arange(8), rtol=1e-6)


def test_near_the_end_each_step_triples_the_right_digits():
    a = RNG(0).random((5, 5)) + 2 * np.eye(5)
    errors = [np.eye(5) - a @ iterative_inverse_forward(a, n)[0] for n in range(8)]
    for before, after in itertools.pairwise(errors):
        np.testing.assert_allclose(
            after, 0.75 * before @ before @ before + 0.25 * before @ before @ before @ before, atol=1e-13
        )
    assert np.abs(errors[0]).max() > 0.1 and np.abs(errors[-1]).max() < 1e-13


def test_the_gradient_of_the_converged_iteration_is_that_of_the_inverse():
    a, dz = RNG(0).random((5, 5)) + 2 * np.eye(5), RNG(1).standard_normal((5, 5))
    z, cache = iterative_inverse_forward(a, 12)
    np.testing.assert_allclose(iterative_inverse_backward(dz, cache), -z.T @ dz @ z.T, atol=1e-12)


def test_a_matrix_of_zeros_gives_zeros():
    z, cache = iterative_inverse_forward(np.zeros((3, 3)))
    assert not z.any() and np.isfinite(iterative_inverse_backward(np.ones((3, 3)), cache)).all()


def test_what_cannot_be_done_is_refused():
    q, k, v = qkv(5)
    with pytest.raises(ValueError, match="n_landmarks must be at least 1, not 0"):
        nystrom_attention_forward(q, k, v, n_landmarks=0)
    with pytest.raises(ValueError, match="n_iterations must be at least 0, not -1"):
        nystrom_attention_forward(q, k, v, n_iterations=-1)
    with pytest.raises(ValueError, match="block each key for all queries or none"):
        nystrom_attention_forward(q, k, v, causal_mask(5))
