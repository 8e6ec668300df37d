"""How a topic stands: one word for each way of having met it, and the numbers behind the word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lessons.course import find_topic, topics
from lessons.quiz_ids import item_ids
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.path import BEGUN, FAR, READY, nearness
from tfx_cli.learner.progress import NOTHING, Progress
from tfx_cli.learner.standing import standings

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TOPIC = find_topic("softmax-attention")
IDS = item_ids(TOPIC)
READ, OUT, HALF = Progress(4, 4, True), Progress(0, 0, True, tested_out=True), Progress(2, 4)


def answer(item: str, correct: bool) -> Answer:
    return Answer(item, 0, "1", correct, float(correct), 3 if correct else 1, "", NOW - timedelta(days=9), None)


def stands(progress: Progress, right: int = 0, wrong: int = 0, waiting: int = 0):
    """After `right` right answers and then `wrong` wrong ones to other questions; `waiting` of them are due."""
    log = [answer(item, place < right) for place, item in enumerate(IDS[: right + wrong])]
    due = {one.item: NOW + timedelta(hours=0 if place < waiting else 1) for place, one in enumerate(log)}
    return standings(topics(), {TOPIC.name: progress}, log, due, NOW)[TOPIC.name]


@pytest.mark.parametrize(
    ("standing", "word", "words"),
    [
        (stands(NOTHING), "new", "new"),
        (stands(NOTHING, right=1), "started", "quiz begun"),
        (stands(NOTHING, right=6), "started", "quiz begun"),
        (stands(HALF), "started", "seen 2 of 4"),
        (stands(HALF, right=6, waiting=2), "started", "seen 2 of 4"),
        (stands(NOTHING, right=1, waiting=1), "quiz due", "quiz due: 1"),
        (stands(READ), "read", "read"),
        (stands(READ, right=5), "read", "read"),
        (stands(READ, right=6), "known", "known"),
        (stands(READ, right=8, wrong=2), "known", "known"),
        (stands(READ, right=7, wrong=2), "read", "read"),
        (stands(READ, right=6, waiting=3), "quiz due", "quiz due: 3"),
        (stands(OUT, right=6), "tested out", "tested out"),
        (stands(OUT, right=6, waiting=1), "quiz due", "quiz due: 1"),
    ],
)
def test_each_way_of_having_met_a_topic_has_its_word(standing, word, words):
    assert len(IDS) == 11, "six of eleven is more than half"
    assert (standing.word, standing.words) == (word, words)


def test_the_last_answer_to_a_question_counts_and_questions_that_are_gone_do_not():
    log = [answer(item, False) for item in IDS[:6]] + [answer(item, True) for item in IDS[:6]]
    log += [answer(f"{TOPIC.name}/removed-{number}", False) for number in range(9)]
    found = standings(topics(), {TOPIC.name: READ}, log, {f"{TOPIC.name}/removed-1": NOW}, NOW)
    assert (found[TOPIC.name].word, found[TOPIC.name].answered) == ("known", 6)
    assert {standing.word for name, standing in found.items() if name != TOPIC.name} == {"new"}


def test_a_topic_is_near_when_it_was_begun_or_when_all_that_it_builds_on_is_done():
    near = nearness(topics(), {TOPIC.name: HALF, "attention-intuition": READ, "embeddings": OUT})
    assert near[TOPIC.name] == near["attention-intuition"] == near["embeddings"] == BEGUN
    assert near["neural-layer"] == READY, "it builds on what was tested out"
    assert near["attention-scaled-dot-product"] == FAR, "it builds on a topic that is half read, and on others"
    assert near["sequences-order"] == READY, "it builds on nothing"
