"""Shaping logits: known distributions, edges, and what each rule must not touch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.generate.shaping import (
    Shaping,
    count_penalties,
    min_p,
    no_repeat_ngrams,
    probabilities_of,
    repetition_penalty,
    temperature,
    top_k,
    top_p,
)

P = np.array([[0.1, 0.4, 0.05, 0.25, 0.2]])
LOGITS = np.log(P)
V = P.shape[1]


def kept(logits: np.ndarray) -> list[int]:
    return [int(token) for token in np.flatnonzero(logits[0] > -math.inf)]


def test_half_the_temperature_squares_the_odds_and_1_changes_nothing():
    np.testing.assert_allclose(probabilities_of(temperature(LOGITS, 0.5)), P**2 / (P**2).sum(), rtol=1e-14)
    np.testing.assert_array_equal(temperature(LOGITS, 1.0), LOGITS)
    flat = probabilities_of(temperature(LOGITS, 1e9))
    np.testing.assert_allclose(flat, np.full((1, V), 1 / V), rtol=1e-8)


def test_temperature_0_leaves_only_the_most_likely_token_and_the_smaller_id_of_equals():
    np.testing.assert_array_equal(probabilities_of(temperature(LOGITS, 0)), [[0, 1, 0, 0, 0]])
    assert kept(temperature(np.array([[1.0, 3.0, 3.0]]), 0)) == [1]


@pytest.mark.parametrize(
    ("k", "tokens"), [(1, [1]), (2, [1, 3]), (4, [0, 1, 3, 4]), (5, [0, 1, 2, 3, 4]), (99, [0, 1, 2, 3, 4])]
)
def test_top_k_keeps_the_k_most_likely(k, tokens):
    assert kept(top_k(LOGITS, k)) == tokens
    shared = probabilities_of(top_k(LOGITS, k))[0, tokens]
    np.testing.assert_allclose(shared, P[0, tokens] / P[0, tokens].sum(), rtol=1e-14)


def test_top_k_keeps_exactly_k_even_of_equals():
    assert kept(top_k(np.zeros((1, 5)), 3)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("p", "tokens"),
    [(1e-9, [1]), (0.39, [1]), (0.41, [1, 3]), (0.64, [1, 3]), (0.66, [1, 3, 4]), (1.0, list(range(5)))],
)
def test_top_p_keeps_the_smallest_set_that_reaches_p(p, tokens):
    assert kept(top_p(LOGITS, p)) == tokens
    smaller = P[0, tokens].sum() - P[0, tokens].min()
    assert p == 1.0 or smaller < p <= P[0, tokens].sum()


def test_a_sum_of_exactly_p_is_enough():
    assert kept(top_p(np.log([[0.25, 0.5, 0.25]]), 0.5)) == [1]
    assert kept(top_p(np.log([[0.25, 0.5, 0.25]]), 0.75)) == [0, 1]


def test_top_p_1_keeps_what_is_too_small_to_change_a_sum():
    logits = np.array([[0.0, -100.0, -200.0]])
    assert kept(top_p(logits, 1.0)) == [0, 1, 2]


@pytest.mark.parametrize(("p", "tokens"), [(0.0, list(range(5))), (0.3, [1, 3, 4]), (0.6, [1, 3]), (1.0, [1])])
def test_min_p_asks_for_a_part_of_the_largest_probability(p, tokens):
    assert kept(min_p(LOGITS, p)) == tokens


def test_the_repetition_penalty_makes_a_seen_token_less_likely_on_either_side_of_0():
    logits = np.array([[2.0, -2.0, 0.0, 3.0]])
    have = repetition_penalty(logits, [[0, 1, 1, 2]], 1.25)
    np.testing.assert_allclose(have, [[2.0 / 1.25, -2.0 * 1.25, 0.0, 3.0]])
    assert (probabilities_of(have)[0, :2] < probabilities_of(logits)[0, :2]).all()
    divided = np.where([[True, True, True, False]], logits / 1.25, logits)  # the formula as it was printed
    assert probabilities_of(divided)[0, 1] > probabilities_of(logits)[0, 1]


def test_only_the_repetition_penalty_sees_a_number_that_is_added_to_all_logits():
    moved, texts = LOGITS + 10.0, [[0, 1, 0, 3]]
    for shaping in (
        Shaping(temperature=0.7),
        Shaping(top_k=3),
        Shaping(top_p=0.7),
        Shaping(min_p=0.2),
        Shaping(presence_penalty=0.5, frequency_penalty=0.2),
        Shaping(no_repeat_ngram=2),
    ):
        have, want = (probabilities_of(shaping(logits, texts)) for logits in (moved, LOGITS))
        np.testing.assert_allclose(have, want, atol=1e-13)
    penalty = Shaping(repetition_penalty=1.3)
    assert np.abs(probabilities_of(penalty(moved, texts)) - probabilities_of(penalty(LOGITS, texts))).max() > 0.01


def test_presence_is_taken_off_once_and_frequency_as_often_as_the_token_stands_there():
    have = count_penalties(np.zeros((2, 4)), [[1, 1, 3], []], presence=0.5, frequency=0.25)
    np.testing.assert_allclose(have, [[0, -1.0, 0, -0.75], [0, 0, 0, 0]])
    np.testing.assert_allclose(count_penalties(np.zeros((1, 3)), [[1, 1]], frequency=0.25), [[0, -0.5, 0]])
    np.testing.assert_allclose(count_penalties(np.zeros((1, 3)), [[1, 1]], presence=0.5), [[0, -0.5, 0]])


@pytest.mark.parametrize(
    ("text", "n", "blocked"),
    [
        ([1, 2, 3, 1, 2], 3, [3]),
        ([1, 2, 3, 1, 2], 2, [3]),
        ([1, 2, 1, 3, 1], 2, [2, 3]),
        ([1, 2, 3], 2, []),
        ([1, 1], 2, [1]),
        ([1, 3, 1], 1, [1, 3]),
        ([1], 3, []),
    ],
)
def test_no_n_tokens_stand_in_a_text_twice(text, n, blocked):
    have = no_repeat_ngrams(np.zeros((1, V)), [text], n)
    assert [token for token in range(V) if token not in kept(have)] == blocked
    grams = {tuple(text[i : i + n]) for i in range(len(text) - n + 1)}
    repeats = [token for token in range(V) if (*text, token)[-n:] in grams and len(text) >= n - 1]
    assert repeats == blocked


def test_rows_are_shaped_on_their_own_and_the_dtype_stays():
    rng = np.random.default_rng(0)
    logits, texts = rng.standard_normal((3, 9)).astype("float32"), [[1, 2, 1], [3], [4, 4, 5, 4]]
    shaping = Shaping(0.8, 6, 0.9, 0.01, 1.2, 0.1, 0.2, 2)
    together = shaping(logits, texts)
    assert together.dtype == np.float32
    for row in range(3):
        np.testing.assert_array_equal(shaping(logits[row : row + 1], texts[row : row + 1])[0], together[row])


def test_shaping_does_its_steps_in_the_order_that_is_written_down():
    texts = [[1, 1]]
    by_hand = top_p(top_k(temperature(repetition_penalty(LOGITS, texts, 1.5), 2.0), 3), 0.6)
    assert kept(by_hand) == [1, 3]
    np.testing.assert_array_equal(Shaping(2.0, 3, 0.6, repetition_penalty=1.5)(LOGITS, texts), by_hand)
    assert kept(Shaping(top_k=2)(LOGITS, texts)) == [1, 3]
    last = min_p(top_p(top_k(temperature(LOGITS, 3.0), 4), 0.9), 0.5)
    assert kept(last) != kept(temperature(min_p(LOGITS, 0.5), 3.0))
    np.testing.assert_array_equal(Shaping(3.0, 4, 0.9, 0.5)(LOGITS, texts), last)
    np.testing.assert_array_equal(Shaping()(LOGITS, texts), LOGITS)


def test_nothing_is_written_to_the_logits():
    logits = LOGITS.copy()
    logits.flags.writeable = False
    Shaping(0.8, 3, 0.9, 0.01, 1.2, 0.1, 0.2, 2)(logits, [[1, 2, 1]])
    top_p(logits, 1.0)[0, 0] = 5.0
    assert logits[0, 0] == LOGITS[0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: temperature(LOGITS, -1), "must be at least 0, not -1"),
        (lambda: temperature(LOGITS, math.inf), "not inf"),
        (lambda: temperature(LOGITS, math.nan), "not nan"),
        (lambda: top_k(LOGITS, 0), "top-k keeps at least 1 token, not 0"),
        (lambda: top_p(LOGITS, 0), "not 0"),
        (lambda: top_p(LOGITS, 1.1), "not 1.1"),
        (lambda: min_p(LOGITS, -0.1), "not -0.1"),
        (lambda: repetition_penalty(LOGITS, [[0]], 0), "above 0, not 0"),
        (lambda: no_repeat_ngrams(LOGITS, [[0]], 0), "not 0"),
        (lambda: probabilities_of(np.full((1, 3), -math.inf)), "every token is ruled out"),
        (lambda: probabilities_of(np.array([[0.0, math.nan]])), "a logit is NaN"),
    ],
)
def test_settings_out_of_range_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
