"""attention-intuition: the lookup slides from mean to best match, and the sentence's weights follow its words."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

import lessons.attention.intuition.lesson as intuition
from lessons.attention.intuition.lesson import KEYS, VALUES
from lessons.sentence import LONGEST, read_words
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.attention.soft_lookup import attend_at_random
from tfx.lab.attention.word_vectors import word_vectors
from tfx.records import Matrix, Plot, Question, Said

run_of = runs_of(intuition)


def scaled(forward, by):
    """attention_forward whose output and weights are `by` times too large."""

    def wrong(q, k, v, **options):
        out, cache = forward(q, k, v, **options)
        return by * out, SimpleNamespace(q=q, k=k, v=v, weights=by * cache.weights)

    return wrong


def value_too_large(by, only):
    """look_up whose answer is `by` times too large at the sharpnesses that `only` picks."""

    def wrong(query, keys, values, sharpness):
        answer = KEPT["look_up"](query, keys, values, sharpness)
        return answer._replace(value=answer.value * by) if only(sharpness) else answer

    return wrong


def softmax_of(change):
    return lambda x: KEPT["softmax_forward"](change(x))


KEPT = dict(vars(intuition))


class TestIntuition(TopicTests):
    lesson, steps = intuition, 10
    seeds = range(5)
    changed = [
        "query=0,0",
        ["query=-5,5", "shift=-1e6"],
        ["query=1,0", "sharpness=20", "bump=-20"],
        ["query=5,5", "sharpness=0", "gain=0"],
        ["gain=50", "bump=0.1"],
        *(
            asked(text=text, seed=0)
            for text in ("it it", "Do you like it?", "a " * 64, "x" * 500 + " y", "\u00e9t\u00e9 \u4f60\u597d")
        ),
    ]
    refused = [
        *("query=1", "query=1,1,1", "query=nan,1", "query=6,0", "sharpness=-1", "sharpness=nan", "shift=inf", "bump=0"),
        *(asked(text=text) for text in ("", "   ", "one", "?! ...", "word " * 65, "word " * 10_000)),
    ]
    by = 1.001
    spoilt = {
        "flat": Spoilt("sharpness", instead(intuition, "look_up", lambda by: value_too_large(by, lambda s: s == 0))),
        "sharp": Spoilt("sharpness", instead(intuition, "look_up", lambda by: value_too_large(by, lambda s: s > 20))),
        "row": Spoilt(
            "relative_scores",
            instead(intuition, "softmax_forward", lambda by: softmax_of(lambda x: x * by if x.max() > 50 else x)),
        ),
        "entry": Spoilt(
            "relative_scores",
            instead(intuition, "softmax_forward", lambda by: softmax_of(lambda x: x if x.max() > 50 else x * by)),
        ),
        "hull": Spoilt(
            "the_average", instead(intuition, "attention_forward", lambda by: scaled(KEPT["attention_forward"], by))
        ),
        "pronoun": Spoilt(
            "the_pronoun", result(intuition, "find_referent", lambda it, by: it._replace(second=it.second * by))
        ),
        "loops": Spoilt("roles", result(intuition, "loops")),
        "sums": Spoilt(
            "roles", instead(intuition, "attention_forward", lambda by: scaled(KEPT["attention_forward"], by))
        ),
        "one-each": Spoilt(
            "roles",
            result(intuition, "attention_forward", lambda given, by: (given[0][:1], given[1])),
            no_nan="a shape",
        ),
        "same-output": Spoilt(
            "interview", instead(intuition, "other_weights", lambda by: lambda weights, values: by * weights)
        ),
        "gradient": Spoilt(
            "interview", result(intuition, "attention_backward", lambda grads, by: (*grads[:2], grads[2] * by))
        ),
    }


def test_the_table_of_the_answer_is_the_formula_written_out():
    run = run_of("query=0.5,2", "sharpness=3")
    (shown,) = tables(records_of(intuition.the_answer, run))
    scores = [3 * (0.5 * sweet + 2 * warm) for sweet, warm in KEYS.tolist()]
    total = sum(map(math.exp, scores))
    for row, score, (sugar, price) in zip(shown.rows, scores, VALUES.tolist(), strict=True):
        assert row["score"] == pytest.approx(score) and row["weight"] == pytest.approx(math.exp(score) / total)
        assert (row["sugar"], row["price"]) == (sugar, price)
    assert [row["drink"] for row in shown.rows] == ["lemonade", "cocoa", "soup"]


AVERAGE = "What is returned is the weighted average of the values: each times its weight, added up. By hand, sugar: "


def test_by_hand_lines_are_computed():
    _, hand = sentences(records_of(intuition.the_answer, run_of()))
    assert hand == AVERAGE + "0.1394*24 + 0.6904*18 + 0.1702*3 = 16.28."
    (said,) = sentences(records_of(intuition.relative_scores, run_of()))
    assert said == (
        "Add b to one score, and the odds p / (1 - p) of its weight p change by the factor e^b: here p goes from "
        "0.1394 to 0.3057. The others keep their proportions. A key that leads by 7 has, against 63 equal others, the "
        "weight 0.95:"
    )
    assert 1 / (1 + 63 * math.exp(-7)) == pytest.approx(0.95, abs=0.005)
    odds = 0.1394 / (1 - 0.1394) * math.e
    assert odds / (1 + odds) == pytest.approx(0.3057, abs=1e-4)


def test_the_weights_by_hand_give_the_answer_that_is_shown():
    for query in ("1,1", "1,0", "-1,2", "0.5,2", "3,-2"):
        hand = sentences(records_of(intuition.the_answer, run_of(f"query={query}")))[-1]
        terms, answer = hand.removeprefix(AVERAGE).removesuffix(".").split(" = ")
        added = sum(math.prod(map(float, term.split("*"))) for term in terms.split(" + "))
        assert added == pytest.approx(float(answer), abs=0.0075)  # half a unit of each of the digits shown


def test_the_other_weights_keep_their_proportions_when_one_score_changes():
    run = run_of("bump=-3")
    (shown,) = (record for record in records_of(intuition.relative_scores, run) if isinstance(record, Matrix))
    before, bumped = shown.values[0], shown.values[2]
    assert bumped[0] < before[0] and bumped[1] / bumped[2] == pytest.approx(before[1] / before[2])
    assert bumped.sum() == pytest.approx(1)


def test_the_table_of_sharpness_follows_the_formula_and_a_tie_is_told():
    records = records_of(intuition.sharpness, run_of())
    for row in tables(records)[0].rows:
        e = np.exp(row["s"] * KEYS @ np.ones(2))
        assert [row["top"], row["sugar"], row["price"]] == pytest.approx([e.max() / e.sum(), *(e / e.sum() @ VALUES)])
    tie = "All keys tie for this query, so sharpness changes nothing."
    assert tie not in sentences(records) and tie in sentences(records_of(intuition.sharpness, run_of("query=0,0")))


def test_the_curve_goes_from_the_mean_to_the_best_match():
    (picture,) = (r for r in records_of(intuition.hard_lookup, run_of()) if isinstance(r, Plot))
    output, mean, best = picture.series
    e = np.exp(np.outer(output.x, KEYS @ np.ones(2)))
    assert list(output.y) == pytest.approx(e @ VALUES[:, 0] / e.sum(axis=1))
    assert (set(mean.y), set(best.y)) == ({15.0}, {18.0}) and output.y[0] == pytest.approx(15)


def test_the_box_of_the_average_holds_the_reader_s_own_answer():
    run = run_of("query=-5,5")
    (shown,) = tables(records_of(intuition.the_average, run))
    for row, value, low, high in zip(shown.rows, run.answer.value, VALUES.min(axis=0), VALUES.max(axis=0), strict=True):
        assert (row["low"], row["high"]) == (low, high) and low <= row["o_low"] <= value <= row["o_high"] <= high


def test_without_a_known_quality_the_step_says_that_the_rows_mean_nothing():
    nothing = (
        "No other word names a quality that this lesson has set by hand, so the vectors that matter are random and "
        "the rows mean nothing."
    )
    assert nothing in sentences(records_of(intuition.the_pronoun, run_of(text="hello big world")))
    assert nothing in sentences(records_of(intuition.the_pronoun, run_of(text="the animal was tired")))  # tired asks
    assert nothing not in sentences(records_of(intuition.the_pronoun, run_of()))


def test_the_pronoun_s_table_holds_what_both_looks_found_and_the_rest():
    run = run_of(text="yes " * 20 + "the dog left the lake because it was so deep")
    (shown,) = tables(records_of(intuition.the_pronoun, run))
    title = 'The weights of "it" in percent; 4 of 30 words have hand-set vectors, the others small random ones'
    assert shown.title == title and [row["word"] for row in shown.rows] == ["lake", "deep", "28 others"]
    lake, deep, _ = shown.rows
    assert lake["two"] > 50 > lake["one"] and deep["one"] > 50 > deep["two"]
    for look in ("one", "two"):
        assert sum(row[look] for row in shown.rows) == pytest.approx(100)


def test_weights_that_are_not_the_only_ones_are_told_only_where_there_are_others():
    def told(text):
        records = records_of(intuition.interview, run_of(text=text))
        return next(r.truth for r in records if isinstance(r, Said) and r.claim == "C316")

    one = "They say what was mixed in at one place; what the network makes of it is another matter."
    assert told("you like tea") == one
    assert re.fullmatch(
        re.escape(one) + r" Nor need they be the only ones: another row, up to 0\.\d\d away, gives the same output\.",
        told("you like tea and milk with it"),
    )


def test_equal_words_get_equal_outputs():
    out, cache = attend_at_random(("a", "b", "c", "a"), 3)
    assert out[0] == pytest.approx(out[3], abs=1e-15)  # no positions
    assert cache.q.shape == (4, 3) and out.shape == (4, 2)


def test_other_words_get_other_weights_and_a_word_keeps_its_vector():
    """The pattern of repeats alone is not the sentence."""
    animal, flies = (attend_at_random(tuple(text.split()), 0)[1] for text in ("the animal did", "time flies like"))
    assert abs(animal.weights - flies.weights).max() > 0.01
    assert (word_vectors(("b", "a", "b"), 3, 5)[[1, 0]] == word_vectors(("a", "b"), 3, 5)).all()
    assert abs(word_vectors(("a",), 3, 5) - word_vectors(("a",), 3, 6)).min() > 0


def test_words_are_cleaned_and_counted():
    assert read_words('"It\x1b[31m," she said.', "") == ("it[31m", "she", "said")
    assert len(read_words("w " * LONGEST, "")) == LONGEST


def test_the_outputs_are_those_of_the_reader_s_sharpness():
    """At sharpness 0 every query gets the mean, so no output differs from another."""
    (shown,) = tables(records_of(intuition.the_average, run_of("sharpness=0")))
    found = [(row["o_low"], row["o_high"]) for row in shown.rows]
    assert np.allclose(found, np.stack([VALUES.mean(axis=0)] * 2, axis=1), atol=1e-12)


def test_the_question_on_sharpness_0_can_be_answered_from_its_own_numbers():
    (asked,) = (r for r in records_of(intuition.sharpness, run_of()) if isinstance(r, Question))
    told = [float(number) for number in re.findall(r"\d+", asked.prompt)][2:]
    assert asked.prompt == (
        "At sharpness 0 all scores are 0. The drinks have 24, 18 and 3 of sugar. How much is returned?"
    )
    assert told == VALUES[:, 0].tolist() and asked.answer == pytest.approx(sum(told) / 3)


def test_the_formula_of_the_interview_is_in_the_letters_of_the_course():
    assert sentences(records_of(intuition.interview, run_of()))[1] == (
        "The weights are computed from the input, anew for every output; only the projections are learned. As a "
        "formula, which the coming topics build up: softmax(Q K^T / sqrt(D)) V, with D the width of a query "
        "(papers: d_k)."
    )
