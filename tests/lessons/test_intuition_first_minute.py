"""attention-intuition: its first step, the first minute of the course, and its predictions once more by other hands."""

from __future__ import annotations

import pytest

import lessons.attention.intuition.lesson as intuition
from lessons.attention.intuition.lesson import Run
from tests.lessons.steps import records_of, request_for, sentences, steps_of, tables
from tfx.data import pronouns
from tfx.records import Formula, Question

TOPIC = "attention-intuition"


def run_of(*pairs, text=None):
    return Run(request_for(TOPIC, *pairs, text=text))


FIRST = [
    "the animal did not cross the street because it was too tired",
    'What does "it" stand for? You looked around and picked a word. A network that reads word by word has only its '
    "memory of them. With attention it, too, can look: at all the words at once, taking more from some than from "
    "others.",
    "The shares add up to 1; if all 12 words gave the same, each would be 0.083. The model learned from 32,000 "
    'sentences like this one, and was told where to look. Say "wide" for "tired", and it looks elsewhere.',
]


def test_the_first_minute_is_the_trained_model_s_own_row_with_bars():
    run = run_of()
    records = records_of(intuition.looks_around, run)
    (shown,) = tables(records)
    assert sentences(records) == FIRST and shown.title == 'A small model looks from "it": what it takes from each word'
    row = run.case.weights[run.case.tokens.index("it")]
    by_share = sorted(zip(row, run.case.tokens, strict=True), key=lambda pair: -pair[0])
    expected = [*((word, share) for share, word in by_share[:3]), ("9 others", sum(share for share, _ in by_share[3:]))]
    assert [(r["word"], r["share"]) for r in shown.rows] == [(word, round(share, 3)) for word, share in expected]
    assert [len(r["bar"]) for r in shown.rows] == [round(20 * share) for _, share in expected]
    assert shown.rows[0]["word"] == "animal" and not any(isinstance(record, Formula) for record in records)
    assert "softmax" not in " ".join(FIRST)


def test_the_word_that_is_offered_makes_it_look_elsewhere():
    for sentence in pronouns.sentences(30, seed=4, held_out=True):
        step = steps_of(TOPIC, text=sentence.text)[0]
        (offered,) = step.tries
        before, after = (
            tables(records_of(intuition.looks_around, run_of(text=text)))[0].rows[0]["word"]
            for text in (sentence.text, offered.text)
        )
        assert (before, {before, after}) == (sentence.answer, {sentence.mover, sentence.place})


def test_a_sentence_that_the_model_does_not_know_waits_for_the_later_steps():
    told = sentences(records_of(intuition.looks_around, run_of(text="my dog ate my homework")))
    later = "(Your own sentence comes later: the model of this step knows only sentences like this one.)"
    assert told == [FIRST[0], later, *FIRST[1:]]
    own = sentences(records_of(intuition.looks_around, run_of(text="The dog didn't enter the park, as it was icy.")))
    assert own[0] == "the dog did not enter the park as it was icy" and later not in own


def test_random_weights_are_called_random():
    told = sentences(records_of(intuition.looks_around, Run(request_for(TOPIC, untrained=True))))[-1]
    assert told == FIRST[2].partition(" The model")[0] + " " + intuition.UNTRAINED


def test_asked_is_a_score_and_a_mean_by_other_hands():
    """Both predictions, from the numbers on the screen."""
    (score,) = (
        r for r in records_of(intuition.drinks, run_of("query=0.5,-2", "sharpness=3")) if isinstance(r, Question)
    )
    assert score.prompt == "With sharpness 3, what is the score of cocoa?"
    assert score.answer == pytest.approx(3 * 0.5 * 0.8 - 3 * 2 * 0.9) and score.answer != pytest.approx(
        1.5 * score.answer
    )
    (mean,) = (r for r in records_of(intuition.sharpness, run_of()) if isinstance(r, Question))
    assert mean.answer == pytest.approx((24 + 18 + 3) / 3)
