"""Longformer's attention with maps of its own for global tokens."""

import numpy as np
import pytest

from tfx.nn.attention import MultiHeadAttention
from tfx.nn.longformer import LongformerAttention
from tfx.ops.attention.masks import padding_mask

C, H = 12, 3
X = np.random.default_rng(0).standard_normal((2, 9, C))
MASK = padding_mask([9, 6], 9)


def layer(**settings):
    options = {"window": 2, "global_places": (4, 0), **settings}
    return LongformerAttention(C, H, np.random.default_rng(1), dtype="float64", **options)


def test_with_equal_maps_it_is_multi_head_attention_with_the_kernel_both_ways():
    """As it starts: the second maps are copies.  The gradients of a map and its copy together are those of the one."""
    ours = layer(dilation=2)
    kernel = {"name": "longformer", "window": 2, "dilation": 2, "global_places": (0, 4)}
    plain = MultiHeadAttention(C, H, np.random.default_rng(2), dtype="float64", kernel=kernel)
    plain.load_state({name: value for name, value in ours.state().items() if not name.startswith("global_")})
    (y, cache), (want, plain_cache) = ours.forward(X, MASK), plain.forward(X, mask=MASK)
    np.testing.assert_allclose(y, want, rtol=0, atol=1e-12)
    dy = np.random.default_rng(3).standard_normal(y.shape)
    np.testing.assert_allclose(ours.backward(dy, cache), plain.backward(dy, plain_cache).dx, atol=1e-12)
    for name in ("query", "key", "value"):
        both = getattr(ours, name).w.grad + getattr(ours, f"global_{name}").w.grad
        np.testing.assert_allclose(both, getattr(plain, name).w.grad, atol=1e-12)


def test_the_second_maps_move_global_rows_and_no_others():
    ours = layer()
    before, _ = ours.forward(X)
    ours.global_value.w.value = ours.global_value.w.value + 1
    after, _ = ours.forward(X)
    moved = np.abs(after - before).max(axis=(0, 2)) > 1e-9
    assert np.flatnonzero(moved).tolist() == [0, 4]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="width 12 cannot be split into 5 heads"):
        LongformerAttention(C, 5, np.random.default_rng(0), window=2)
    with pytest.raises(ValueError, match="maps for global places need such a place"):
        layer(global_places=())
