"""The lattice against listing every way to cut a word."""

import math
from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.tokenizers.lattice import Lattice, backward, expected_edges, forward, lattice_of, n_best, sample, viterbi

UNKNOWN = (-1, -20.0)


def every_cut(word):
    """All 2^(n-1) ways to cut a word into pieces."""
    for size in range(len(word)):
        for marks in combinations(range(1, len(word)), size):
            edges = [0, *marks, len(word)]
            yield tuple(word[a:b] for a, b in pairwise(edges))


def scored_cuts(word, scores):
    """cut -> score, for the cuts whose pieces all have one; a single character always has."""
    cuts = {}
    for cut in every_cut(word):
        if all(piece in scores or len(piece) == 1 for piece in cut):
            cuts[cut] = sum(scores.get(piece, UNKNOWN[1]) for piece in cut)
    return cuts


def build(word, scores):
    numbered = {piece: (i, score) for i, (piece, score) in enumerate(scores.items())}
    return lattice_of(word, numbered, max(map(len, scores), default=1), UNKNOWN)


def pieces(word, path):
    return tuple(word[edge.start : edge.end] for edge in path.edges)


MODELS = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.floats(-9, -0.1), max_size=15)
SHORT_WORDS = st.text("abc", min_size=1, max_size=9)
MODEL = {"a": -2.0, "b": -2.5, "c": -3.0, "ab": -2.6, "bc": -3.1, "abc": -4.0, "ca": -2.2, "aa": -3.3}


@given(SHORT_WORDS, MODELS)
@settings(deadline=None)
def test_viterbi_finds_the_best_of_all_cuts(word, scores):
    cuts = scored_cuts(word, scores)
    best = viterbi(build(word, scores))
    assert best.score == pytest.approx(max(cuts.values()), abs=1e-12)
    assert cuts[pieces(word, best)] == pytest.approx(best.score, abs=1e-12)


@given(SHORT_WORDS, MODELS)
@settings(deadline=None)
def test_the_n_best_are_the_first_of_all_cuts_in_order(word, scores):
    cuts = scored_cuts(word, scores)
    found = n_best(build(word, scores), 5)
    assert [path.score for path in found] == pytest.approx(sorted(cuts.values(), reverse=True)[:5], abs=1e-12)
    assert len({pieces(word, path) for path in found}) == len(found)
    assert len(n_best(build(word, scores), 10**6)) == len(cuts)


@given(SHORT_WORDS, MODELS)
@settings(deadline=None)
def test_forward_and_backward_sum_over_all_cuts(word, scores):
    lattice = build(word, scores)
    total = math.log(math.fsum(math.exp(score) for score in scored_cuts(word, scores).values()))
    assert forward(lattice)[-1] == pytest.approx(total, abs=1e-12)
    assert backward(lattice)[0] == pytest.approx(total, abs=1e-12)


@given(SHORT_WORDS, MODELS)
@settings(deadline=None)
def test_the_expectation_of_a_piece_is_its_share_of_all_cuts(word, scores):
    lattice = build(word, scores)
    cuts = scored_cuts(word, scores)
    total, chances = expected_edges(lattice)
    expected = Counter()
    for cut, score in cuts.items():
        at = 0
        for piece in cut:
            expected[at, at + len(piece)] += math.exp(score - total)
            at += len(piece)
    for edge, chance in zip(lattice.edges, chances, strict=True):
        assert chance == pytest.approx(expected[edge.start, edge.end], abs=1e-12)
    covered = sum(chance * (edge.end - edge.start) for edge, chance in zip(lattice.edges, chances, strict=True))
    assert covered == pytest.approx(len(word), abs=1e-10)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_samples_are_as_frequent_as_the_model_says(temperature):
    word, n = "abcaabc", 1500
    cuts = scored_cuts(word, MODEL)
    weights = {cut: math.exp(score / temperature) for cut, score in cuts.items()}
    expected = {cut: n * weight / sum(weights.values()) for cut, weight in weights.items()}
    rng = np.random.default_rng(0)
    seen = Counter(pieces(word, sample(build(word, MODEL), rng, temperature)) for _ in range(n))
    frequent = [cut for cut in expected if expected[cut] >= 8]
    rest = n - sum(expected[cut] for cut in frequent), n - sum(seen[cut] for cut in frequent)
    chi_square = sum((seen[cut] - expected[cut]) ** 2 / expected[cut] for cut in frequent)
    chi_square += (rest[1] - rest[0]) ** 2 / max(rest[0], 1)
    assert chi_square < len(frequent) + 4 * math.sqrt(2 * len(frequent))  # mean and 4 deviations of the distribution


def test_the_wrong_temperature_would_be_noticed():
    word, n = "abcaabc", 1500
    best = pieces(word, viterbi(build(word, MODEL)))
    shares = []
    for temperature in (0.5, 1.0, 3.0):
        rng = np.random.default_rng(0)
        shares.append(sum(pieces(word, sample(build(word, MODEL), rng, temperature)) == best for _ in range(n)) / n)
    assert shares[0] > shares[1] + 0.1 > shares[2] + 0.2


def test_near_zero_the_best_cut_is_drawn():
    rng = np.random.default_rng(0)
    assert {pieces("abcab", sample(build("abcab", MODEL), rng, 1e-3)) for _ in range(50)} == {
        pieces("abcab", viterbi(build("abcab", MODEL)))
    }


def test_an_unknown_character_is_an_edge_of_its_own():
    path = viterbi(build("abzc", MODEL))
    assert pieces("abzc", path) == ("ab", "z", "c") and path.edges[1].id == UNKNOWN[0]


def test_a_long_word_does_not_underflow():
    lattice = build("abc" * 2000, MODEL)
    total, chances = expected_edges(lattice)
    assert math.isfinite(total) and total < -4000 and 0 <= min(chances) <= max(chances) <= 1 + 1e-9


def test_the_empty_text_has_one_empty_path():
    lattice = build("", MODEL)
    assert lattice == Lattice(0, [])
    assert viterbi(lattice) == (0.0, ()) and n_best(lattice, 3) == [(0.0, ())] and forward(lattice) == [0.0]


def test_a_position_that_cannot_be_reached_is_an_error():
    with pytest.raises(ValueError, match="no path reaches position 3"):
        viterbi(Lattice(3, build("ab", MODEL).edges))
