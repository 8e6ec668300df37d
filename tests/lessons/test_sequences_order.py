"""sequences-order: bags, orders and answers are counted another way, and every check can fail."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

import lessons.sequences.order.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question, Said

run_of = runs_of(topic)


def answers(reader, question):
    def wrong(right, by):
        found = {name: list(answered) for name, answered in right.items()}
        found[reader][question] *= by
        return found

    return result(topic, "answered", wrong)


class Forgetful:
    """A network whose state knows nothing of what it read."""

    def __init__(self, by):
        self.by = by

    def random(self, rng, width, radius):
        return self

    def forward(self, x):
        return 0 * x * self.by, None


def rounded_otherwise(run, patch, by):
    patch.setattr(topic, "round", lambda x, digits: x, raising=False)
    patch.setattr(topic, "agree", lambda id, says, gaps, **to: agree(id, says, [gaps[0], gaps[1] + 1e-9 * by]))


agree = topic.agree
WRITTEN = "a number of orders is written before it is compared"


class TestSequencesOrder(TopicTests):
    lesson, steps = topic, 7
    changed = [
        *("animals=32", ["animals=3", "sentences=400"]),
        *(asked(text=text, seed=0) for text in ("go go", "a b", " ".join("abcdefgh" * 8), "the the man")),
        *(
            asked(*pairs, text=text, seed=0)
            for pairs in (("animals=3", "sentences=400"), ("animals=32",))
            for text in ("go go", "a b", " ".join("abcdefgh" * 8), "the the man")
        ),
    ]
    changed_seeds = range(3)
    sometimes = ("sees",)  # where two words differ
    refused = ["animals=2", "animals=33", "sentences=399"]
    by = 0.7
    spoilt = {
        "same-bag": Spoilt("the_bag", result(topic, "counts", lambda bags, by: bags * np.array([[1.0], [by]]))),
        "orders": Spoilt("how_many", result(topic, "placed"), no_nan=WRITTEN),
        "orders: none": Spoilt("how_many", result(topic, "placed", lambda orders, by: 0 * orders), no_nan=WRITTEN),
        "occurs": Spoilt("two_questions", answers("counts of words", 0)),
        "coin": Spoilt("two_questions", answers("counts of words", 1)),
        "ordered": Spoilt("two_questions", answers("words at places", 1)),
        "blind": Spoilt("too_late", rounded_otherwise),
        "sees": Spoilt("too_late", instead(topic, "Recurrent", Forgetful)),
    }


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (None, "the man bit the dog"),
        ("the cat saw the cat", "cat cat saw the the"),
        ("go on go", "go on go"),
        ("an owl sees an owl now", "an now sees an owl owl"),
        ("the the man", "man the the"),
    ],
)
def test_two_words_change_places_and_articles_stay(text, other):
    assert " ".join(run_of(text=text).other) == other


def test_the_bags_of_the_picture_are_counted():
    (picture,) = (r for r in records_of(topic.the_bag, run_of()) if isinstance(r, Matrix))
    assert dict(zip(picture.cols, picture.values[0], strict=True)) == Counter(topic.DEFAULT_TEXT.split())
    assert sentences(records_of(topic.the_bag, run_of()))[2] == (
        "The sentences differ at 2 of 5 places, and their bags are equal. A model that sees the bag alone gives both "
        "the same answer, whatever it has learned."
    )


@pytest.mark.parametrize("text", [None, "a b c d", "a a b b c", "x x"])
def test_the_predicted_orders_can_be_listed(text):
    run = run_of(text=text)
    shown = records_of(topic.how_many, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == len(set(permutations(run.words))) and f"= {asked.answer:g}." in sentences(shown)[1]
    ending = f"the words of this sentence have {asked.answer:g} orders, and all share one bag."
    assert ending in sentences(records_of(topic.interview, run))[1]
    assert ("cannot say which of them was meant." in sentences(shown)[1]) == (asked.answer > 1)


def test_the_screens_say_what_was_measured():
    shown = records_of(topic.two_questions, run_of("animals=4"))
    (asked,), (said,) = ([r for r in shown if isinstance(r, kind)] for kind in (Question, Said))
    assert asked.answer == 1 / 2
    right = {row["reader"]: row for row in tables(shown)[0].rows}
    half = right["counts of words"]["biter"]
    assert said.truth == (
        f"What occurs can be read from counts: 100% right. Who bit whom cannot, if either is as frequent: {half:.0f}%, "
        "as by tossing a coin."
    )
    assert abs(half - 50) < 8 and right["words at places"]["biter"] == 100


def test_the_first_screen_counts_places_and_words():
    assert sentences(records_of(topic.places, run_of()))[1] == (
        "T = 5 here, and 4 different words. Two sequences are equal when they have equal elements at equal places. So "
        "the order is part of what a sequence is, not decoration."
    )


def test_the_sum_of_word_and_place_is_a_bag():
    gaps = [row["gap"] for row in tables(records_of(topic.too_late, run_of()))[0].rows]
    assert gaps[:2] == [0, 0] and min(gaps[2:]) > 0.1
    assert topic.written(10**9 - 1) == "999,999,999" and topic.written(10**12) == "1.000e+12"
