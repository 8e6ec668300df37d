"""Performer: an unbiased estimate of the exponential, better with more features and with orthogonal ones."""

import math

import numpy as np
import pytest

from tests.efficient.growth import attending, growth, operations, peak_bytes
from tfx.efficient.performer import _features_forward, performer_backward, performer_forward, random_features
from tfx.ops.attention.masks import causal_mask, combine_masks, padding_mask
from tfx.ops.attention.scaled_dot_product import attention_forward

RNG = np.random.default_rng
D = 8


def qkv(t=16, seed=0, size=0.4):
    q, k, v = RNG(seed).standard_normal((3, 2, t, D))
    return size * q, size * k, v


def rms(n_features, orthogonal=True, seeds=range(12), causal=False):
    q, k, v = qkv()
    want, _ = attention_forward(q, k, v, causal_mask(16) if causal else None)
    draws = [random_features(n_features, D, seed, orthogonal) for seed in seeds]
    errors = [performer_forward(q, k, v, w, causal=causal)[0] - want for w in draws]
    return math.sqrt(np.mean(np.square(errors)))


def features(x, w):
    """Lemma 1, without the factor that cancels."""
    return np.exp(x @ w.T - 0.5 * (x * x).sum(-1, keepdims=True)) / math.sqrt(len(w))


@pytest.mark.parametrize("orthogonal", [False, True])
def test_the_product_of_features_is_the_exponential_on_average(orthogonal):
    x, y = 0.5 * RNG(0).standard_normal((2, 5, D))
    draws = [random_features(16, D, seed, orthogonal) for seed in range(1500)]
    estimates = np.array([(features(x, w) * features(y, w)).sum(-1) for w in draws])
    standard_error = estimates.std(axis=0) / math.sqrt(len(estimates))
    assert (np.abs(estimates.mean(axis=0) - np.exp((x * y).sum(-1))) < 4 * standard_error).all()


def test_orthogonal_features_vary_less():
    x, y = 0.2 * RNG(0).standard_normal((2, 20, D))
    spread = [
        np.std([(features(x, w) * features(y, w)).sum(-1) for w in draws], axis=0).mean()
        for draws in ([random_features(D, D, seed, kind) for seed in range(1000)] for kind in (False, True))
    ]
    assert spread[1] < 0.97 * spread[0]


def test_the_features_used_are_those_up_to_a_factor_that_cancels():
    x, w = RNG(0).standard_normal((5, D)), random_features(16, D)
    for together in (False, True):
        ratio = _features_forward(x, w, together=together)[0] / features(x, w)
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-12)
        if together:
            np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-12)


def test_the_error_falls_like_one_over_the_root_of_the_number_of_features():
    errors = [rms(m) for m in (32, 128, 512, 2048)]
    assert errors == sorted(errors, reverse=True)
    slope = math.log(errors[-1] / errors[0]) / math.log(2048 / 32)
    assert -0.65 < slope < -0.35
    assert errors[-1] < 0.02


def test_the_causal_form_estimates_causal_attention():
    errors = [rms(m, causal=True, seeds=range(4)) for m in (32, 2048)]
    assert errors[1] < 0.05 and errors[1] < 0.4 * errors[0]


@pytest.mark.parametrize("n_features", [3, 8, 20])
def test_orthogonal_features_are_orthogonal_within_a_block_and_as_long_as_normal_vectors(n_features):
    w = random_features(n_features, D, seed=3)
    assert w.shape == (n_features, D)
    for block in (w[start : start + D] for start in range(0, n_features, D)):
        gram = block @ block.T
        np.testing.assert_allclose(gram - np.diag(np.diag(gram)), 0, atol=1e-12)
    many = np.concatenate([random_features(D, D, seed) for seed in range(300)])
    assert (many * many).sum(-1).mean() == pytest.approx(D, rel=0.05)
    np.testing.assert_allclose(np.cov(many.T), np.eye(D), atol=0.15)


def test_a_seed_draws_the_same_features_again_and_another_seed_others():
    assert np.array_equal(random_features(9, D, 4), random_features(9, D, 4))
    assert not np.array_equal(random_features(9, D, 4), random_features(9, D, 5))
    assert np.array_equal(random_features(9, D), random_features(9, D, 0))


def test_a_scale_of_zero_gives_the_mean_of_the_values():
    q, k, v = qkv()
    out, _ = performer_forward(q, k, v, random_features(4, D), scale=0.0)
    np.testing.assert_allclose(out, np.broadcast_to(v.mean(axis=-2, keepdims=True), v.shape), atol=1e-12)


def test_large_queries_and_keys_neither_overflow_nor_warn_nor_vanish():
    q, k, v = qkv(size=40.0)
    constant, _ = performer_forward(q, k, np.full_like(v, 3.0), random_features(16, D))
    np.testing.assert_allclose(constant, 3.0, rtol=1e-12)
    out, cache = performer_forward(q, k, v, random_features(16, D))
    assert np.isfinite(out).all() and all(np.isfinite(g).all() for g in performer_backward(out, cache))


@pytest.mark.parametrize("causal", [False, True])
def test_a_padded_sequence_gives_what_it_gives_alone_whatever_the_padding_holds(causal):
    q, k, v = qkv(7)
    k[1, 4:], v[1, 4:] = 30.0, 9.0
    mask = combine_masks(padding_mask([7, 4], 7)[:, 0], causal_mask(7) if causal else None)
    w = random_features(16, D)
    out, _ = performer_forward(q, k, v, w, mask, causal=causal)
    alone, _ = performer_forward(q[1, :4], k[1, :4], v[1, :4], w, causal=causal)
    np.testing.assert_allclose(out[1, :4], alone, rtol=1e-12)


def test_time_and_memory_grow_with_the_length_and_not_with_its_square():
    def forward(q, k, v, **settings):
        return performer_forward(q, k, v, random_features(16, 8), **settings)

    assert growth(operations, attending(forward, performer_backward)) <= 1.01
    assert growth(peak_bytes, attending(forward, performer_backward, causal=True, chunk=32)) <= 1.1


@pytest.mark.parametrize("chunk", [1, 3, 16])
def test_every_chunk_gives_the_same(chunk):
    q, k, v = qkv()
    w = random_features(4, D)
    want, _ = performer_forward(q, k, v, w, causal=True)
    np.testing.assert_allclose(performer_forward(q, k, v, w, causal=True, chunk=chunk)[0], want, atol=1e-12)


def test_what_does_not_fit_is_named():
    q, k, v = qkv()
    with pytest.raises(ValueError, match="features are for width 5 but queries have 8"):
        performer_forward(q, k, v, random_features(4, 5))
    with pytest.raises(ValueError, match="scale must not be negative"):
        performer_forward(q, k, v, random_features(4, D), scale=-1.0)
    with pytest.raises(ValueError, match="there are 16 keys but 15 values"):
        performer_forward(q, k, v[:, :15], random_features(4, D))
    with pytest.raises(TypeError, match="mask must be boolean"):
        performer_forward(q, k, v, random_features(4, D), np.ones((1, 16)))
    with pytest.raises(ValueError, match="seed must be at least 0, not -1"):
        random_features(4, D, seed=-1)
    with pytest.raises(ValueError, match="n_features must be at least 1, not 0"):
        random_features(0, D)
    with pytest.raises(ValueError, match="block each key for all queries or none"):
        performer_forward(q, k, v, random_features(4, D), causal_mask(16))


@pytest.mark.parametrize(("dtype", "size"), [("float32", 10.0), ("float64", 20.0), ("float64", 40.0)])
@pytest.mark.parametrize("chunk", [1, 3, 8])
def test_a_small_key_that_comes_later_does_not_drown_the_earlier_ones(dtype, size, chunk):
    """The exponents of large keys lie far below that of a key of zeros: one common maximum would make them 0."""
    q, k, v = RNG(2).standard_normal((3, 2, 9, D)).astype(dtype)
    w = random_features(16, D, dtype=dtype)
    k *= size
    k[:, -1] = 0
    whole, cache = performer_forward(q, k, v, w, causal=True, chunk=chunk)
    early, _ = performer_forward(q[:, :-1], k[:, :-1], v[:, :-1], w, causal=True, chunk=chunk)
    np.testing.assert_array_equal(whole[:, :-1], early)
    assert np.abs(early).min(axis=(0, 2)).all()
    dout = np.zeros_like(whole)
    dout[:, :-1] = RNG(3).standard_normal(early.shape)
    dq, dk, dv = performer_backward(dout, cache)
    assert not dk[:, -1].any() and not dv[:, -1].any() and np.abs(dv[:, :-1]).max() > 0 and np.isfinite(dq).all()
