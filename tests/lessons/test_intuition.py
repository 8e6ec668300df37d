"""attention-intuition: the lookup slides from mean to best match, and the sentence's weights follow its words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.attention.intuition.lookup import KEYS, VALUES, best_match, look_up
from lessons.attention.intuition.pronoun import find_referent, projections
from lessons.attention.intuition.walkthrough import DEFAULT_TEXT, Settings, values, walkthrough
from lessons.attention.intuition.whole_sentence import attend, by_loops
from lessons.course import Request
from lessons.sentence import LONGEST, read_words
from tests.lessons.steps import all_text, failed, steps_of
from tfx.errors import BadInput
from tfx.settings import apply_settings


@pytest.mark.parametrize("seed", range(5))
def test_every_check_holds_for_every_seed(seed):
    steps = steps_of(walkthrough, Request(None, seed, Settings()))
    assert 6 <= len(steps) <= 9 and not failed(steps)


@pytest.mark.parametrize(
    "pairs",
    [
        ["query=0,0"],
        ["query=-5,5", "shift=-1e6"],
        ["query=1,0", "sharpness=20", "bump=-20"],
        ["query=5,5", "sharpness=0", "gain=0"],
        ["gain=50", "bump=0.1"],
    ],
)
def test_every_check_holds_for_changed_settings(pairs):
    settings = apply_settings(Settings(), pairs, "tfx explain attention-intuition")
    assert not failed(steps_of(walkthrough, Request(None, 1, settings)))


@pytest.mark.parametrize(
    "text", ["it it", "Do you like it?", "a " * 64, "x" * 500 + " y", "\u00e9t\u00e9 \u4f60\u597d"]
)
def test_any_sentence_of_two_to_64_words_is_taken(text):
    assert not failed(steps_of(walkthrough, Request(text, 0, Settings())))


@pytest.mark.parametrize("text", ["", "   ", "one", "?! ...", "word " * 65, "word " * 10_000])
def test_unusable_text_is_refused_with_the_next_thing_to_type(text):
    with pytest.raises(BadInput) as refusal:
        next(walkthrough(Request(text, 0, Settings())))
    assert "--text" in refusal.value.hint


@pytest.mark.parametrize(
    "pairs",
    [["query=1"], ["query=nan,1"], ["query=6,0"], ["sharpness=-1"], ["sharpness=nan"], ["shift=inf"], ["bump=0"]],
)
def test_settings_out_of_range_are_refused(pairs):
    settings = apply_settings(Settings(), pairs, "tfx explain attention-intuition")
    with pytest.raises(BadInput):
        next(walkthrough(Request(None, 0, settings)))


def test_sharpness_moves_the_answer_from_the_mean_to_the_best_match():
    query = np.array([1.0, 1.0])
    best, gap = best_match(query)
    distances = [abs(look_up(query, s).value - best).max() for s in (0, 1, 2, 4, 8, 40 / gap)]
    assert look_up(query, 0).value == pytest.approx(VALUES.mean(axis=0), abs=1e-12)
    assert distances == sorted(distances, reverse=True) and distances[-1] < 1e-12


def test_a_query_that_fits_all_keys_alike_stays_at_the_mean():
    best, gap = best_match(np.zeros(2))
    assert math.isinf(gap) and best == pytest.approx(VALUES.mean(axis=0))


def test_the_lookup_is_the_formula():
    query = np.array([0.3, -0.7])
    answer = look_up(query, 2.0)
    e = np.exp(2.0 * KEYS @ query)
    assert answer.weights == pytest.approx(e / e.sum()) and answer.value == pytest.approx(e / e.sum() @ VALUES)


@pytest.mark.parametrize("seed", range(5))
def test_the_pronoun_turns_with_the_adjective_though_no_matrix_changes(seed):
    words = read_words(DEFAULT_TEXT, "")
    tired = find_referent(words, 5.0, seed)
    wide = find_referent((*words[:-1], "wide"), 5.0, seed)
    assert words[tired.second.argmax()] == "animal" and words[wide.second.argmax()] == "street"
    assert all(not value.any() or name for name, value in projections(0.0).items() if name.startswith("q"))


def test_without_a_known_quality_the_step_says_that_the_rows_mean_nothing():
    assert "mean nothing" in all_text(steps_of(walkthrough, Request("hello big world", 0, Settings())))
    assert "mean nothing" not in all_text(steps_of(walkthrough, Request(None, 0, Settings())))


def test_nested_loops_equal_the_library():
    run = attend(("a", "b", "c", "a"), 3)
    assert by_loops(run.q, run.k, run.v) == pytest.approx(run.out, abs=1e-12)
    assert run.out[0] == pytest.approx(run.out[3], abs=1e-15)  # equal words, no positions: equal outputs


def test_words_are_cleaned_and_counted():
    assert read_words('"It\x1b[31m," she said.', "") == ("it[31m", "she", "said")
    assert len(read_words("w " * LONGEST, "")) == LONGEST


def test_numbers_of_the_lesson_are_finite_and_as_told():
    numbers = values()
    assert all(math.isfinite(x) for x in numbers.values() if not isinstance(x, str))
    assert numbers["it_word"] == "animal" and numbers["best"] == "cocoa"


def test_all_text_is_ascii():
    assert all_text(steps_of(walkthrough, Request(None, 0, Settings()))).isascii()
