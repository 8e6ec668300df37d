"""One head of self-attention: projections of one input, then attention."""

import numpy as np
import pytest

from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.multi_head import Maps, multi_head_attention_forward
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.attention.self_attention import self_attention_backward, self_attention_forward


def drawn(seed: int = 0, lead=(2,), t=5, c=6, d=4, dv=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((*lead, t, c)), *(rng.standard_normal((c, width)) for width in (d, d, dv))


def test_it_is_attention_of_three_projections():
    x, w_q, w_k, w_v = drawn()
    out, cache = self_attention_forward(x, w_q, w_k, w_v)
    want, want_cache = attention_forward(x @ w_q, x @ w_k, x @ w_v)
    np.testing.assert_array_equal(out, want)
    np.testing.assert_array_equal(cache.weights, want_cache.weights)


def test_it_is_multi_head_attention_with_one_head_and_nothing_mixed():
    x, w_q, w_k, w_v = drawn(d=6, dv=6)
    mask = causal_mask(5)
    want, _ = multi_head_attention_forward(x, x, Maps(w_q, w_k, w_v, np.eye(6)), n_heads=1, mask=mask)
    np.testing.assert_allclose(self_attention_forward(x, w_q, w_k, w_v, mask)[0], want, atol=1e-14)


def test_without_positions_the_order_of_the_words_does_not_matter():
    x, *w = drawn(lead=())
    order = np.array([3, 0, 4, 1, 2])
    np.testing.assert_allclose(self_attention_forward(x[order], *w)[0], self_attention_forward(x, *w)[0][order])


def test_changing_a_future_token_changes_no_earlier_output():
    x, *w = drawn()
    later = x.copy()
    later[:, 3:] += 1
    before, after = (self_attention_forward(one, *w, causal_mask(5))[0] for one in (x, later))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])


def test_one_sequence_is_a_batch_of_one():
    x, *w = drawn(lead=())
    dout = np.random.default_rng(1).standard_normal((5, 3))
    alone = self_attention_backward(dout, self_attention_forward(x, *w)[1])
    batch = self_attention_backward(dout[None], self_attention_forward(x[None], *w)[1])
    for a, b in zip(alone, batch, strict=True):
        np.testing.assert_allclose(a, b.reshape(a.shape), atol=1e-14)


def test_widths_that_do_not_fit_are_refused():
    x, w_q, w_k, w_v = drawn()
    with pytest.raises(ValueError, match="width"):
        self_attention_forward(x, w_q, w_k[:, :-1], w_v)
