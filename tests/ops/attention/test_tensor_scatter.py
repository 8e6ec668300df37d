"""Tokens written into a store: every row where it stands, in a line or in a circle."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.ops.attention.tensor_scatter import tensor_scatter_forward

B, H, S, T, D = 2, 3, 7, 4, 5


def store_and_update(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((B, H, S, D)), rng.standard_normal((B, H, T, D))


@pytest.mark.parametrize(("starts", "circular"), [([0, 3], False), ([5, 2], True), ([13, 7], True)])
def test_every_entry_is_where_loops_put_it(starts, circular):
    past, update = store_and_update()
    want = past.copy()
    for b in range(B):
        for h in range(H):
            for t in range(T):
                place = starts[b] + t
                want[b, h, place % S if circular else place] = update[b, h, t]
    have, _ = tensor_scatter_forward(past, update, np.array(starts), circular=circular)
    np.testing.assert_array_equal(have, want)


def test_the_axis_of_the_tokens_may_lie_anywhere_but_first():
    past, update = store_and_update()
    want, _ = tensor_scatter_forward(past, update, np.array([1, 2]))
    for axis in (1, 2, 3):
        moved = [np.moveaxis(x, 2, axis) for x in (past, update)]
        have, _ = tensor_scatter_forward(*moved, np.array([1, 2]), axis=axis)
        np.testing.assert_array_equal(np.moveaxis(have, axis, 2), want)


def test_as_many_tokens_as_places_fill_the_whole_store():
    past, _ = store_and_update()
    np.testing.assert_array_equal(tensor_scatter_forward(past, past + 1)[0], past + 1)
    around, _ = tensor_scatter_forward(past, past + 1, np.array([0, 3]), circular=True)
    np.testing.assert_array_equal(around[1], np.roll(past[1] + 1, 3, axis=-2))


def test_a_store_in_a_circle_filled_token_by_token_holds_the_newest():
    past, tokens = np.zeros((1, 3, 1)), np.arange(1.0, 9.0)
    for place, token in enumerate(tokens):
        past, _ = tensor_scatter_forward(past, np.full((1, 1, 1), token), np.array([place]), circular=True)
    assert sorted(past[0, :, 0]) == [6, 7, 8]


def test_no_tokens_change_nothing_and_the_past_itself_is_never_written():
    past, update = store_and_update()
    kept = past.copy()
    have, _ = tensor_scatter_forward(past, update[:, :, :0], np.array([7, 0]))
    np.testing.assert_array_equal(have, kept)
    tensor_scatter_forward(past, update)
    np.testing.assert_array_equal(past, kept)


@pytest.mark.parametrize(
    ("starts", "axis", "message"),
    [
        ([0, 4], -2, "4 tokens from place 4 on do not fit into 7 places"),
        ([-1, 0], -2, "from place -1"),
        ([0], -2, "one place for each of 2 rows"),
        ([0, 0], 0, "other than the batch"),
        ([0, 0], 9, "not axis 9"),
        ([0, 0], -1, "does not fit into a store"),
    ],
)
def test_what_does_not_fit_is_named(starts, axis, message):
    past, update = store_and_update()
    with pytest.raises(ValueError, match=message):
        tensor_scatter_forward(past, update, np.array(starts), axis)


def test_more_tokens_than_places_are_refused_even_in_a_circle():
    past, update = store_and_update()
    with pytest.raises(ValueError, match="7 tokens do not fit into 4 places"):
        tensor_scatter_forward(update, past, circular=True)
