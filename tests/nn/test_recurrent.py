"""Recurrent layers: two directions, several layers, first values, and reading a memory."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.nn.memory_attention import MemoryAttention
from tfx.nn.recurrent import GRU, LSTM, RNN, Recurrent
from tfx.nn.recurrent_cell import CELLS, RecurrentCell, orthogonal

B, T, WIDTH_IN, WIDTH = 3, 6, 4, 5
X = np.random.default_rng(1).standard_normal((B, T, WIDTH_IN))
LENGTHS = np.array([4, T, 1])
every_cell = pytest.mark.parametrize("cell", CELLS)


def layers(cell: str, seed: int = 0, **options) -> Recurrent:
    return Recurrent(cell, WIDTH_IN, WIDTH, np.random.default_rng(seed), dtype="float64", **options)


@every_cell
def test_each_half_of_a_bidirectional_layer_is_a_cell_of_its_own(cell):
    both = layers(cell, bidirectional=True)
    y, cache = both.forward(X)
    forward, backward = both.layers[0]
    assert np.array_equal(y[..., :WIDTH], forward.forward(X)[0])
    turned, turned_cache = backward.forward(X[:, ::-1])
    assert np.array_equal(y[..., WIDTH:], turned[:, ::-1])
    for part, last, turned_last in zip(cache.last, forward.forward(X)[1].last, turned_cache.last, strict=True):
        assert np.array_equal(part[0], last) and np.array_equal(part[1], turned_last)


@every_cell
def test_every_place_of_a_bidirectional_layer_sees_every_other(cell):
    both, moved = layers(cell, bidirectional=True), X.copy()
    moved[:, 3] += 0.1
    assert (both.forward(moved)[0] != both.forward(X)[0]).any(axis=-1).all()


@every_cell
def test_layers_on_top_of_each_other_read_what_is_below(cell):
    tall = layers(cell, n_layers=2, bidirectional=True)
    y, cache = tall.forward(X)
    below = np.concatenate([c.forward(X, reverse=r)[0] for c, r in zip(tall.layers[0], (False, True), strict=True)], -1)
    above = np.concatenate(
        [c.forward(below, reverse=r)[0] for c, r in zip(tall.layers[1], (False, True), strict=True)], -1
    )
    assert np.array_equal(y, above)
    assert all(part.shape == (4, B, WIDTH) for part in cache.last)


@every_cell
def test_a_padded_row_says_what_it_says_alone(cell):
    tall = layers(cell, n_layers=2, bidirectional=True)
    y, cache = tall.forward(X, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone, alone_cache = tall.forward(X[row : row + 1, :length])
        np.testing.assert_allclose(y[row, :length], alone[0], rtol=1e-13)
        for part, want in zip(cache.last, alone_cache.last, strict=True):
            np.testing.assert_allclose(part[:, row], want[:, 0], rtol=1e-13)


@every_cell
def test_single_steps_are_the_sequence_both_ways(cell):
    owner = RecurrentCell(cell, WIDTH_IN, WIDTH, np.random.default_rng(0), dtype="float64")
    y, cache = owner.forward(X)
    dy = np.random.default_rng(2).standard_normal(y.shape)
    dx, dstate = owner.backward(dy, cache)
    at_once = {name: parameter.grad.copy() for name, parameter in owner.parameters().items()}
    owner.zero_grad()
    state, caches = owner.zero_state(X), []
    for t in range(T):
        state, step = owner.step(X[:, t], state)
        caches.append(step)
        np.testing.assert_allclose(state[0], y[:, t], rtol=1e-13)
    dlast = tuple(np.zeros_like(part) for part in state)
    for t in reversed(range(T)):
        dx_t, dlast = owner.step_backward((dlast[0] + dy[:, t], *dlast[1:]), caches[t])
        np.testing.assert_allclose(dx_t, dx[:, t], rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(dlast[0], dstate[0], rtol=1e-11)
    for name, parameter in owner.parameters().items():
        np.testing.assert_allclose(parameter.grad, at_once[name], rtol=1e-11, atol=1e-13)


def test_dropout_acts_between_layers_only_and_never_without_a_generator():
    one, two = layers("gru", dropout=0.5), layers("gru", dropout=0.5, n_layers=2)
    rng = np.random.default_rng(3)
    assert np.array_equal(one.forward(X, rng=rng)[0], one.forward(X)[0])
    assert not np.array_equal(two.forward(X, rng=rng)[0], two.forward(X)[0])
    _, cache = two.forward(X, rng=rng)
    (_, above), (dropped,) = cache.layers, cache.dropouts
    y_below, _ = two.layers[0][0].forward(X)
    assert np.array_equal(above[0].inputs.x, y_below * dropped.multiplier)  # what the upper layer read
    assert set(np.unique(dropped.multiplier)) == {0.0, 2.0}


def test_the_three_classes_are_the_three_cells():
    for kind, name in ((RNN, "rnn"), (LSTM, "lstm"), (GRU, "gru")):
        named, chosen = kind(WIDTH_IN, WIDTH, np.random.default_rng(0), dtype="float64"), layers(name)
        assert np.array_equal(named.forward(X)[0], chosen.forward(X)[0])


@every_cell
def test_recurrent_blocks_start_orthogonal_and_float32_stays_float32(cell):
    owner = RecurrentCell(cell, WIDTH_IN, WIDTH, np.random.default_rng(0))
    for k in range(CELLS[cell].n_blocks):
        block = owner.w_h.value[:, k * WIDTH : (k + 1) * WIDTH]
        np.testing.assert_allclose(block @ block.T, np.eye(WIDTH), atol=1e-6)
    y, cache = owner.forward(X.astype("float32"))
    dx, dstate = owner.backward(y, cache)
    assert {array.dtype.name for array in (y, dx, *dstate, *cache.last, owner.w_h.grad)} == {"float32"}


def test_only_the_forget_gate_starts_with_an_offset():
    b = RecurrentCell("lstm", WIDTH_IN, WIDTH, np.random.default_rng(0)).b.value.reshape(4, WIDTH)
    assert b.tolist() == [[0] * WIDTH, [1] * WIDTH, [0] * WIDTH, [0] * WIDTH]


def test_orthogonal_matrices_may_be_tall_or_wide():
    for rows, columns in ((5, 3), (3, 5)):
        m = orthogonal(np.random.default_rng(0), rows, columns, "float64")
        assert m.shape == (rows, columns)
        np.testing.assert_allclose(m.T @ m if rows > columns else m @ m.T, np.eye(3), atol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: RecurrentCell("elman", 2, 3, rng), "rnn, lstm, gru, not 'elman'"),
        (lambda rng: RecurrentCell("gru", 2, 3, rng, activation="relu"), "'gru' has no setting activation"),
        (lambda rng: RecurrentCell("gru", 2, 3, rng, projection=2), "'gru' has no setting peepholes or projection"),
        (lambda rng: Recurrent("gru", 2, 3, rng, n_layers=0), "at least one layer, not 0"),
        (lambda rng: MemoryAttention("cosine", 2, 2, rng), "additive, dot, general, not 'cosine'"),
        (lambda rng: MemoryAttention("dot", 2, 3, rng), "queries have 2 and the memory 3"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make(np.random.default_rng(0))


@pytest.mark.parametrize("score", ["additive", "dot", "general"])
def test_a_memory_is_read_at_its_real_places_and_the_weights_sum_to_one(score):
    attention = MemoryAttention(score, WIDTH, WIDTH, np.random.default_rng(0), dtype="float64")
    rng = np.random.default_rng(4)
    memory, q = rng.standard_normal((B, T, WIDTH)), rng.standard_normal((B, 2, WIDTH))
    mask = (np.arange(T) < LENGTHS[:, None])[:, None]
    context, cache = attention.forward(q, attention.prepare(memory)[0], memory, mask)
    np.testing.assert_allclose(cache.weights.sum(axis=-1), 1, rtol=1e-14)
    assert not cache.weights[~np.broadcast_to(mask, cache.weights.shape)].any()
    np.testing.assert_allclose(context[2], np.broadcast_to(memory[2, 0], (2, WIDTH)), rtol=1e-14)  # one place only


def test_scores_that_are_all_equal_give_the_mean_of_the_memory():
    attention = MemoryAttention("additive", WIDTH, WIDTH, np.random.default_rng(0), dtype="float64")
    attention.v.value[:] = 0
    memory = np.random.default_rng(4).standard_normal((B, T, WIDTH))
    context, _ = attention.forward(memory[:, :1], attention.prepare(memory)[0], memory)
    np.testing.assert_allclose(context[:, 0], memory.mean(axis=1), rtol=1e-13)
    assert attention.n_parameters == 2 * WIDTH * WIDTH + 2 * WIDTH
