"""LSH attention: exact under the mask of who meets whom; the hash finds near vectors and passes no gradient."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.efficient.test_gathered_attention import assert_equal
from tfx.efficient.lsh_attention import lsh_attention_backward, lsh_attention_forward, meetings, sort_into_chunks
from tfx.efficient.lsh_hashing import lsh_buckets, random_rotations
from tfx.nn.attention import AttentionParts, MultiHeadAttention
from tfx.nn.lsh_kernel import LshKernel
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.norms.scale_norm import scale_norm_backward, scale_norm_forward

ROOT_EPS = 1e-6


def draw(n_tokens, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3, n_tokens, 4)), rng.standard_normal((2, 3, n_tokens, 5))


def lsh(qk, v, mask=None, **options):
    out, cache = lsh_attention_forward(qk, v, mask, **options)
    return out, *lsh_attention_backward(np.random.default_rng(1).standard_normal(out.shape), cache)


def shared_qk(qk, v, mask):
    """Exact attention whose keys are the queries, scaled to length 1."""
    keys, unit = scale_norm_forward(qk, np.ones(()), ROOT_EPS)
    out, cache = attention_forward(qk, keys, v, mask)
    dq, dk, dv = attention_backward(np.random.default_rng(1).standard_normal(out.shape), cache)
    return out, dq + scale_norm_backward(dk, unit)[0], dv


def in_reach(buckets, chunk):
    """(R, T) -> (R, T, T): the pairs that share a bucket and stand in one chunk, or the second one chunk before."""
    n_rounds, n_tokens = buckets.shape
    reach = np.zeros((n_rounds, n_tokens, n_tokens), bool)
    for r, of in enumerate(buckets.tolist()):
        slot = {token: n for n, token in enumerate(sorted(range(n_tokens), key=lambda i, of=of: (of[i], i)))}
        for i in range(n_tokens):
            for j in range(n_tokens):
                reach[r, i, j] = of[i] == of[j] and slot[i] // chunk - slot[j] // chunk in (0, 1)
    return reach


def who_reads_whom(buckets, chunk, causal, mask):
    union = in_reach(buckets, chunk).any(axis=0) & mask
    if causal:
        union &= np.tri(len(union), dtype=bool)
    self = np.eye(len(union), dtype=bool)
    others = union & ~self
    return others | (union & self & ~others.any(axis=1, keepdims=True))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 9),
    st.sampled_from([1, 2, 4, 6]),
    st.integers(1, 10),
    st.integers(1, 3),
    st.booleans(),
    st.floats(0.3, 1),
    st.integers(0, 99),
)
def test_it_is_exact_attention_under_the_union_of_all_rounds(t, n_buckets, chunk, n_rounds, causal, density, seed):
    qk, v = draw(t, seed)
    mask = np.random.default_rng(seed).random((2, 1, t, t)) < density
    buckets = lsh_buckets(qk, random_rotations(4, n_buckets, n_rounds, seed))
    read = mask.any(axis=-2)[:, :, None]  # a token that nobody may read stands behind all others
    buckets = np.where(read, buckets, n_buckets)
    union = [[who_reads_whom(buckets[b, h], chunk, causal, mask[b, 0]) for h in range(3)] for b in range(2)]
    options = {"n_buckets": n_buckets, "chunk": chunk, "n_rounds": n_rounds, "causal": causal, "seed": seed}
    assert_equal(lsh(qk, v, mask, **options), shared_qk(qk, v, np.array(union).reshape(2, 3, t, t)))


@pytest.mark.parametrize("n_rounds", [1, 3])
@pytest.mark.parametrize("causal", [False, True])
def test_one_bucket_in_one_chunk_is_exact_shared_qk_attention(n_rounds, causal):
    qk, v = draw(7)
    mask = ~np.eye(7, dtype=bool)
    if causal:
        mask &= np.tri(7, dtype=bool)
        mask[0, 0] = True  # the first token has nobody but itself
    assert_equal(lsh(qk, v, n_buckets=1, n_rounds=n_rounds, causal=causal), shared_qk(qk, v, mask))


def test_a_token_that_finds_nobody_gives_its_own_value():
    qk, v = draw(5)
    buckets = np.broadcast_to(np.array([[0, 1, 0, 2, 0]]), (2, 3, 1, 5))
    out, dqk, dv = lsh(qk, v, n_buckets=4, chunk=5, buckets=buckets)
    np.testing.assert_allclose(out[..., [1, 3], :], v[..., [1, 3], :], atol=1e-14)
    assert np.abs(dqk[..., [1, 3], :]).max() < 1e-14
    upstream = np.random.default_rng(1).standard_normal(out.shape)
    np.testing.assert_allclose(dv[..., [1, 3], :], upstream[..., [1, 3], :], atol=1e-14)


def test_a_token_reads_itself_in_no_other_case():
    qk, v = draw(6)
    _, cache = lsh_attention_forward(qk, v, n_buckets=1)
    weights = cache.weights.reshape(2, 3, 6, 12)[..., 6:]
    assert not np.diagonal(weights, axis1=-2, axis2=-1).any()
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-14)


def test_the_weights_of_all_rounds_sum_to_one():
    qk, v = draw(9)
    _, cache = lsh_attention_forward(qk, np.ones_like(v), n_buckets=4, chunk=2, n_rounds=4)
    np.testing.assert_allclose(cache.out, 1, atol=1e-14)


def test_meetings_counts_the_rounds_in_which_a_pair_is_in_reach():
    buckets, chunk = np.random.default_rng(2).integers(0, 3, size=(1, 4, 8)), 3
    sorting = sort_into_chunks(buckets, chunk)
    counted, want = meetings(sorting, chunk), in_reach(buckets[0], chunk).sum(axis=0)
    real = (sorting.standing[..., :, None] >= 0) & (sorting.near[..., None, :] >= 0)
    i, j = (np.broadcast_to(x, real.shape) for x in (sorting.standing[..., :, None], sorting.near[..., None, :]))
    assert np.array_equal(counted[real], np.maximum(want[i[real], j[real]], 1))


def test_sorting_puts_buckets_side_by_side_and_keeps_the_order_inside():
    sorting = sort_into_chunks(np.array([[[2, 0, 1, 0, 2]]]), 2)
    assert sorting.standing[0, 0].tolist() == [[1, 3], [2, 0], [4, -1]]
    assert sorting.near[0, 0].tolist() == [[-1, -1, 1, 3], [1, 3, 2, 0], [2, 0, 4, -1]]


def test_the_hash_passes_no_gradient():
    """Where the buckets stay, the function is that of fixed buckets: same output, same gradients, to the bit."""
    qk, v = draw(9)
    options = {"n_buckets": 4, "chunk": 3, "n_rounds": 2}
    buckets = lsh_buckets(qk, random_rotations(4, 4, 2, seed=0))
    for a, b in zip(lsh(qk, v, **options), lsh(qk, v, **options, buckets=buckets), strict=True):
        assert np.array_equal(a, b)


def test_causal_goes_by_the_places_before_sorting():
    qk, v = draw(12)
    options = {"n_buckets": 4, "chunk": 3, "n_rounds": 2, "causal": True}
    out, _ = lsh_attention_forward(qk, v, **options)
    v[..., 8:, :] += 1  # values do not move buckets
    assert np.array_equal(lsh_attention_forward(qk, v, **options)[0][..., :8, :], out[..., :8, :])


def outputs_that_a_later_token_moves(chunk):
    qk, v = draw(12)
    options = {"n_buckets": 2, "chunk": chunk, "causal": True}
    changed = qk.copy()
    changed[..., 8:, :] *= -1  # to the opposite buckets
    usual, other = (lsh_attention_forward(x, v, **options)[0] for x in (qk, changed))
    return int((np.abs(usual - other)[..., :8, :].max(axis=-1) > 1e-12).sum())


def test_in_one_chunk_the_future_moves_nothing_and_in_small_ones_it_moves_borders():
    assert outputs_that_a_later_token_moves(chunk=12) == 0
    assert outputs_that_a_later_token_moves(chunk=3) > 0


def share_of_collisions(cosine, n_buckets, rounds=4000, width=8):
    a = np.zeros((1, width))
    a[0, 0] = 1
    b = np.zeros((1, width))
    b[0, :2] = cosine, math.sqrt(1 - cosine * cosine)
    rotations = random_rotations(width, n_buckets, rounds, seed=5)
    return float((lsh_buckets(a, rotations) == lsh_buckets(b, rotations)).mean())


def test_vectors_at_a_smaller_angle_share_a_bucket_more_often():
    shares = [share_of_collisions(cosine, 8) for cosine in (-1, -0.5, 0, 0.5, 0.8, 0.95, 1)]
    assert shares[0] == 0 and shares[-1] == 1
    assert all(b > a + 0.03 for a, b in itertools.pairwise(shares[1:]))


def test_with_two_buckets_the_chance_is_one_minus_the_angle_over_pi():
    """One random direction: the sign of x . r, as in Charikar 2002."""
    for cosine in (-0.5, 0.3, 0.9):
        assert share_of_collisions(cosine, 2) == pytest.approx(1 - math.acos(cosine) / math.pi, abs=0.03)


def test_the_bucket_does_not_depend_on_the_length():
    x, rotations = np.random.default_rng(0).standard_normal((9, 4)), random_rotations(4, 6, 3)
    assert np.array_equal(lsh_buckets(x, rotations), lsh_buckets(7 * x, rotations))


def test_more_rounds_come_closer_to_exact_attention():
    rng = np.random.default_rng(0)
    qk, v = 3 * rng.standard_normal((64, 4)), rng.standard_normal((64, 5))
    exact, *_ = shared_qk(qk, v, ~np.eye(64, dtype=bool))
    errors = [np.abs(lsh(qk, v, n_buckets=8, n_rounds=rounds)[0] - exact).mean() for rounds in (1, 4, 16)]
    assert errors[0] > 1.5 * errors[1] > 2 * errors[2]


def test_the_number_of_scores_grows_with_the_length_and_not_with_its_square():
    for n_tokens in (32, 64, 256):
        qk = np.random.default_rng(0).standard_normal((n_tokens, 4))
        _, cache = lsh_attention_forward(qk, qk, n_buckets=n_tokens // 4, n_rounds=2)  # chunks of 8
        assert cache.weights.size == 2 * n_tokens * 2 * 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_buckets": 3}, "n_buckets must be 1 or even, not 3"),
        ({"n_buckets": 0}, "n_buckets must be 1 or even, not 0"),
        ({"n_buckets": 2, "n_rounds": 0}, "n_rounds must be at least 1, not 0"),
        ({"n_buckets": 2, "chunk": 0}, "chunk must be at least 1, not 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        lsh_attention_forward(*draw(5), **options)


@pytest.mark.parametrize(
    ("qk", "v", "mask", "error", "message"),
    [
        (np.ones((5, 4)), np.ones((4, 4)), None, ValueError, "there are 5 keys but 4 values"),
        (np.ones((5, 4)), np.ones((5, 4)), np.ones((5, 5)), TypeError, "mask must be boolean"),
        (np.ones((5, 4)), np.ones((5, 4)), np.ones((5, 1, 4), bool), ValueError, "mask covers 4 keys but there are 5"),
        (np.ones((5, 4), int), np.ones((5, 4)), None, TypeError, "queries must be floats"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_named(qk, v, mask, error, message):
    with pytest.raises(error, match=message):
        lsh_attention_forward(qk, v, mask, n_buckets=2)


def test_a_hash_refuses_what_is_no_seed_and_odd_numbers_of_buckets_but_one():
    with pytest.raises(ValueError, match="seed must be at least 0, not -1"):
        random_rotations(4, 2, 1, -1)
    for n_buckets in (0, 3, 5):
        with pytest.raises(ValueError, match=f"n_buckets must be 1 or even, not {n_buckets}"):
            random_rotations(4, n_buckets, 1)
    assert [random_rotations(4, n, 3).shape for n in (1, 2, 6)] == [(3, 4, 0), (3, 4, 1), (3, 4, 3)]


def test_values_of_other_leading_axes_are_refused():
    qk, v = draw(5)
    with pytest.raises(ValueError, match="need the same leading axes"):
        lsh_attention_forward(qk, v[:, :1], n_buckets=2)


def test_as_a_kernel_it_reads_the_queries_for_keys_and_sends_nothing_to_other_keys():
    x = np.random.default_rng(0).standard_normal((2, 6, 12))
    kernel = LshKernel(n_buckets=2, n_rounds=2)
    y, cache = kernel.forward(x, x, x)
    assert np.array_equal(kernel.forward(x, x + 1, x)[0], y)
    dq, dk, _ = kernel.backward(y, cache)
    assert dq.any() and not dk.any() and dk.shape == x.shape
    layer = MultiHeadAttention(12, 3, np.random.default_rng(0), dtype="float64", parts=AttentionParts(kernel=kernel))
    assert layer.key is layer.query, "a key map would be a parameter that nothing reads"


def test_as_a_kernel_it_refuses_keys_of_another_sequence_and_unknown_settings():
    q = np.ones((3, 5, 4))
    with pytest.raises(ValueError, match="shared queries and keys are one sequence"):
        LshKernel(n_buckets=2).forward(q, np.ones((3, 6, 4)), np.ones((3, 6, 4)))
    with pytest.raises(TypeError, match="bucket"):
        LshKernel(n_bucket=2)
