"""Linformer: exact with the identity, blind to the order it mixes, linear in the length."""

import numpy as np
import pytest

from tests.efficient.growth import attending, growth, operations, peak_bytes
from tfx.efficient.linformer import linformer_backward, linformer_forward
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward

RNG = np.random.default_rng
S, D = 7, 4


def qkv(seed=0):
    return RNG(seed).standard_normal((3, 2, 3, S, D))


def test_with_identities_it_is_exact_attention_both_ways():
    q, k, v = qkv()
    dout = RNG(1).standard_normal(q.shape)
    want, exact = attention_forward(q, k, v)
    out, cache = linformer_forward(q, k, v, np.eye(S), np.eye(S))
    for a, b in zip((out, *linformer_backward(dout, cache)[:3]), (want, *attention_backward(dout, exact)), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_a_permutation_of_the_keys_is_exact_too():
    q, k, v = qkv()
    order = np.eye(S)[RNG(0).permutation(S)]
    np.testing.assert_allclose(linformer_forward(q, k, v, order)[0], attention_forward(q, k, v)[0], atol=1e-12)


def test_equal_keys_in_groups_are_mixed_without_loss():
    """Four groups of equal tokens; E takes one of each group: the weights of a group are those of its number."""
    q, k, v = RNG(0).standard_normal((3, 4, D))
    mean = np.repeat(np.eye(4), 2, axis=1) / 2
    out, _ = linformer_forward(q, np.repeat(k, 2, axis=0), np.repeat(v, 2, axis=0), mean)
    want, _ = attention_forward(q, np.repeat(k, 2, axis=0), np.repeat(v, 2, axis=0))
    np.testing.assert_allclose(out, want, atol=1e-12)


def test_values_of_low_rank_in_the_sequence_are_kept_by_the_right_mixers_only():
    """Tokens that repeat with period 2: two mixed tokens hold all there is, one does not."""
    q, pair = RNG(0).standard_normal((8, D)), RNG(1).standard_normal((2, D))
    x = np.tile(pair, (4, 1))
    want, _ = attention_forward(q, x, x)
    right = np.tile(np.eye(2), 4) / 4
    np.testing.assert_allclose(linformer_forward(q, x, x, right)[0], want, atol=1e-12)
    wrong = np.full((1, 8), 1 / 8)
    assert np.abs(linformer_forward(q, x, x, wrong)[0] - want).max() > 0.1


def test_padding_adds_nothing():
    q, k, v = qkv()
    e = RNG(2).standard_normal((3, S))
    out, _ = linformer_forward(q, k, v, e, mask=padding_mask([S, 4], S))
    alone, _ = linformer_forward(q[1, :, :4], k[1, :, :4], v[1, :, :4], e)
    np.testing.assert_allclose(out[1, :, :4], alone, atol=1e-13)
    assert not linformer_forward(q, k, v, e, mask=np.zeros((1, S), bool))[0].any()


def test_one_matrix_for_both_gets_the_gradients_of_both():
    q, k, v = qkv()
    e, dout = RNG(2).standard_normal((3, 9)), RNG(1).standard_normal(q.shape)
    shared = linformer_backward(dout, linformer_forward(q, k, v, e)[1])
    apart = linformer_backward(dout, linformer_forward(q, k, v, e, e)[1])
    np.testing.assert_allclose(shared.de, apart.de + apart.df, atol=1e-12)
    assert shared.df is None and not shared.de[:, S:].any(), "columns beyond the sequence were not used"


def test_time_and_memory_grow_with_the_length_and_not_with_its_square():
    def forward(q, k, v):
        return linformer_forward(q, k, v, np.ones((8, len(k))))

    assert growth(operations, attending(forward, linformer_backward)) <= 1.01
    assert growth(peak_bytes, attending(forward, linformer_backward)) <= 1.1


def test_what_cannot_be_done_is_refused():
    q, k, v = qkv()
    with pytest.raises(ValueError, match="e mixes at most 5 keys but there are 7"):
        linformer_forward(q, k, v, np.ones((3, 5)))
    with pytest.raises(ValueError, match="f mixes at most 6 keys but there are 7"):
        linformer_forward(q, k, v, np.ones((3, 7)), np.ones((3, 6)))
    with pytest.raises(ValueError, match="block each key for all queries or none"):
        linformer_forward(q, k, v, np.eye(S), mask=causal_mask(S))
