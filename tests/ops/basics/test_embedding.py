"""Embedding: a look-up is a product with one-hot rows, forwards and backwards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tfx.ops.basics.embedding import (
    embedding_backward,
    embedding_forward,
    one_hot,
    tied_logits_backward,
    tied_logits_forward,
)

RNG = np.random.default_rng(0)
V, C = 6, 4
TABLE = RNG.standard_normal((V, C))


@settings(max_examples=40, deadline=None)
@given(arrays(np.int64, array_shapes(max_dims=3, max_side=5), elements=st.integers(0, V - 1)))
def test_it_equals_the_product_with_one_hot_rows(ids):
    rows = one_hot(ids, V, float)
    assert np.array_equal(rows, np.eye(V)[ids])
    y, cache = embedding_forward(ids, TABLE)
    assert np.array_equal(y, TABLE[ids])
    dy = np.random.default_rng(1).integers(-8, 8, y.shape).astype(float)
    want = rows.reshape(-1, V).T @ dy.reshape(-1, C)
    assert np.array_equal(embedding_backward(dy, cache), want), "exact, however often an id repeats"


def test_a_fortran_ordered_table_gets_its_gradient_too():
    _, cache = embedding_forward(np.array([1, 1, 5]), np.asfortranarray(TABLE))
    dtable = embedding_backward(np.ones((3, C)), cache)
    assert np.array_equal(dtable[:, 0], [0, 2, 0, 0, 0, 1])


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "uint64", "int64"])
def test_any_integer_type_is_an_id(dtype):
    wide = RNG.standard_normal((100, 7))
    ids = np.array([99, 0, 99], dtype)
    y, cache = embedding_forward(ids, wide)
    assert np.array_equal(y, wide[[99, 0, 99]])
    dtable = embedding_backward(np.ones((3, 7)), cache)
    assert np.array_equal(dtable[99], np.full(7, 2.0)) and dtable.sum() == 21


@pytest.mark.parametrize("ids", [[0, -1], [6, 2], [[1, 2], [3, 7]]])
def test_an_id_outside_the_vocabulary_is_named(ids):
    wrong = next(i for i in np.ravel(ids) if not 0 <= i < V)
    with pytest.raises(ValueError, match=rf"id {wrong} is outside a vocabulary of 6 \(0 to 5\)"):
        embedding_forward(np.array(ids), TABLE)


def test_a_one_hot_row_of_an_id_outside_the_vocabulary_is_refused():
    assert one_hot(np.array(2), 4).tolist() == [False, False, True, False]
    with pytest.raises(ValueError, match="id 6 is outside"):
        one_hot(np.array([6]), V)


def test_ids_that_are_not_integers_are_refused():
    with pytest.raises(TypeError, match="ids must be integers, not float64"):
        embedding_forward(np.array([1.0]), TABLE)


def test_no_ids_give_no_rows_and_no_gradient():
    y, cache = embedding_forward(np.zeros((2, 0), int), TABLE)
    assert y.shape == (2, 0, C) and not embedding_backward(y, cache).any()


def test_tied_logits_are_dot_products_with_every_row():
    x = RNG.standard_normal((2, 5, C))
    logits, _ = tied_logits_forward(x, TABLE)
    np.testing.assert_allclose(logits[1, 3], [x[1, 3] @ row for row in TABLE], rtol=1e-12)


def test_a_shared_table_gets_the_sum_of_both_gradients():
    """The whole map x -> logits of its own embedding, by the product rule."""
    ids = np.array([2, 0, 2])
    rows, look_up = embedding_forward(ids, TABLE)
    logits, output = tied_logits_forward(rows, TABLE)
    dlogits = RNG.standard_normal(logits.shape)
    drows, dtable = tied_logits_backward(dlogits, output)
    total = dtable + embedding_backward(drows, look_up)
    direction, h = RNG.standard_normal(TABLE.shape), 1e-30
    lifted = TABLE + 1j * h * direction
    slope = (dlogits * (lifted[ids] @ lifted.T).imag).sum() / h
    assert (total * direction).sum() == pytest.approx(slope, rel=1e-13)


def test_widths_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="x has width 5 but the table has 4"):
        tied_logits_forward(np.ones((2, 5)), TABLE)
