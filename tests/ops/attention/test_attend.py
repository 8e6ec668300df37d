"""From given scores to an average of the values."""

import numpy as np
import pytest

from tfx.ops.attention.attend import attend_backward, attend_forward
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward, attention_scores

RNG = np.random.default_rng(0)


def test_attention_is_attending_with_scaled_dot_products():
    q, k, v = RNG.standard_normal((2, 3, 5, 4)), RNG.standard_normal((2, 3, 7, 4)), RNG.standard_normal((2, 3, 7, 2))
    mask = RNG.random((5, 7)) < 0.6
    scores, _ = attention_scores(q, k, 0.5)
    np.testing.assert_array_equal(attend_forward(scores, v, mask)[0], attention_forward(q, k, v, mask)[0])


def test_by_hand():
    scores, v = np.log(np.array([[1.0, 2.0, 5.0]])), np.array([[8.0], [0.0], [16.0]])
    out, cache = attend_forward(scores, v)
    np.testing.assert_allclose(cache.weights, [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-15)
    np.testing.assert_allclose(out, [[11.0]], rtol=1e-15)
    dscores, dv = attend_backward(np.array([[1.0]]), cache)
    np.testing.assert_allclose(dv, [[1 / 8], [2 / 8], [5 / 8]], rtol=1e-15)
    np.testing.assert_allclose(dscores, [[(8 - 11) / 8, (0 - 11) / 4, (16 - 11) * 5 / 8]], rtol=1e-14)


def test_a_score_that_is_blocked_gives_and_gets_nothing():
    scores, v = RNG.standard_normal((5, 7)), RNG.standard_normal((7, 2))
    mask = np.ones((5, 7), dtype=bool)
    mask[:, 3] = False
    out, cache = attend_forward(scores, v, mask)
    without = np.delete(np.arange(7), 3)
    np.testing.assert_allclose(out, attend_forward(scores[:, without], v[without])[0], rtol=1e-13)
    dscores, dv = attend_backward(RNG.standard_normal((5, 2)), cache)
    assert (dscores[:, 3] == 0).all() and (dv[3] == 0).all()


def test_a_score_of_minus_infinity_is_as_good_as_a_mask():
    scores, v = RNG.standard_normal((5, 7)), RNG.standard_normal((7, 2))
    mask = RNG.random((5, 7)) < 0.5
    mask[2] = False
    out, _ = attend_forward(np.where(mask, scores, -np.inf), v)
    np.testing.assert_array_equal(out, attend_forward(scores, v, mask)[0])
    assert (out[2] == 0).all()


@pytest.mark.parametrize(
    ("mask", "error", "words"),
    [
        (None, ValueError, "7 keys but 6 values"),
        (np.ones((5, 7)), TypeError, "True = may attend"),
        (np.ones((5, 8), dtype=bool), ValueError, "mask covers 8 keys but there are 7"),
        (np.ones((4, 7), dtype=bool), ValueError, "mask covers 4 queries but there are 5"),
    ],
)
def test_what_does_not_fit_is_named(mask, error, words):
    v = np.ones((6 if mask is None else 7, 2))
    with pytest.raises(error, match=words):
        attend_forward(np.ones((5, 7)), v, mask)


def test_a_mask_of_one_column_allows_or_blocks_all_keys_of_a_query():
    scores, v = RNG.standard_normal((5, 7)), RNG.standard_normal((7, 2))
    mask = np.array([True, False, True, True, False])[:, None]
    out, _ = attend_forward(scores, v, mask)
    np.testing.assert_array_equal(out, attend_forward(scores, v, np.repeat(mask, 7, axis=1))[0])
    assert (out[~mask[:, 0]] == 0).all()


@pytest.mark.parametrize("shape", [(5, 0), (0, 7)])
def test_a_mask_over_nothing_does_not_fit(shape):
    with pytest.raises(ValueError, match="mask covers 0"):
        attend_forward(RNG.standard_normal((5, 7)), RNG.standard_normal((7, 2)), np.ones(shape, dtype=bool))


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("with_dropout", [False, True])
def test_a_query_of_filling_that_nobody_reads_passes_nothing_back(odd, with_dropout):
    rng = np.random.default_rng(0)
    q, k, v, dout = (rng.standard_normal((2, 5, 3)) for _ in range(4))
    dropout = rng.integers(0, 2, (2, 5, 5)) * 2.0 if with_dropout else None
    dout[:, 4] = 0.0
    expected = attention_backward(dout, attention_forward(q, k, v, dropout=dropout)[1])
    q[:, 4] = odd
    with np.errstate(invalid="ignore"):
        found = attention_backward(dout, attention_forward(q, k, v, dropout=dropout)[1])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    dout[0, 4, 0] = 1.0
    with np.errstate(invalid="ignore"):
        found = attention_backward(dout, attention_forward(q, k, v, dropout=dropout)[1])
    assert np.isnan(found[2][0]).any() and np.isfinite(found[2][1]).all(), "what is read counts"
