"""Two hand-set lookups: what "it" stands for turns with the adjective, though no matrix changes."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.data.pronouns import FITS_MOVERS, FITS_PLACES, MOVERS, PLACES
from tfx.lab.attention.hand_set_pronoun import find_referent, projections, word_vectors

SENTENCE = "the animal did not cross the street because it was too tired"
WORDS = tuple(SENTENCE.split())


def found(words, sharpness=5.0, seed=0):
    return find_referent(tuple(words), sharpness, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(5))
def test_the_pronoun_turns_with_the_adjective_though_no_matrix_changes(seed):
    tired, wide = found(WORDS, seed=seed), found((*WORDS[:-1], "wide"), seed=seed)
    assert WORDS[tired.second.argmax()] == "animal" and WORDS[wide.second.argmax()] == "street"
    assert WORDS[tired.first.argmax()] == "tired" and wide.first.argmax() == len(WORDS) - 1


@pytest.mark.parametrize("adjective", [*FITS_MOVERS, *FITS_PLACES])
def test_every_quality_finds_its_kind_of_noun(adjective):
    for mover, place in zip(MOVERS, PLACES, strict=True):
        words = ("the", place, "and", "the", mover, "because", "it", "was", adjective)
        it = found(words)
        assert words[it.second.argmax()] == (mover if adjective in FITS_MOVERS else place)
        assert it.known == 4 and it.quality


def test_without_sharpness_every_word_gets_the_same_share():
    it = found(WORDS, sharpness=0.0)
    assert it.first == pytest.approx(np.full(12, 1 / 12)) and it.second == pytest.approx(np.full(12, 1 / 12))


def test_sharpness_multiplies_the_queries_and_nothing_else():
    soft, sharp = projections(1.0), projections(3.0)
    assert all((sharp[name] == (3 if name in ("q1", "q2") else 1) * soft[name]).all() for name in soft)


def test_the_scores_give_the_second_row_of_weights():
    it = found(WORDS)
    e = np.exp(it.scores - it.scores.max())
    assert it.second == pytest.approx(e / e.sum(), abs=1e-14)


def test_who_asks_and_what_is_known():
    assert found(WORDS).asker == 8 and found(WORDS).known == 4
    assert found(("it", "rains")).asker == 1 and found(("hello", "big", "world")).asker == 2
    assert found(("it", "is", "it")).asker == 2
    assert not found(("hello", "big", "world")).quality and not found(("the", "dog")).quality
    last_asks = found(("the", "animal", "was", "tired"))  # and so is no quality itself
    assert not last_asks.quality and last_asks.known == 2


def test_equal_words_have_equal_vectors_and_known_ones_name_one_feature():
    x = word_vectors(("a", "dog", "a", "wide", "it"), 4, np.random.default_rng(0))
    assert (x[0] == x[2]).all() and abs(x[0]).max() < 1
    assert x[1].tolist() == [1, 0, 0, 0, 0] and x[3].tolist() == [0, 0, 0, 1, 0] and x[4].tolist() == [0, 0, 0, 0, 1]
