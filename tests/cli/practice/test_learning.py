"""One learner model: a mistake in an exercise calls up its questions everywhere, and a pass sends them back."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from lessons.course import topics
from lessons.practice.exercise import find_exercise
from lessons.practice.judging import Verdict
from tfx_cli.interviewing.report import plan_days
from tfx_cli.learner.answers import Answer, insert_answer
from tfx_cli.learner.progress import record_seen
from tfx_cli.learner.salvage import set_aside
from tfx_cli.learner.state import open_to_read, open_to_write
from tfx_cli.practice.learning import keep

ASKED = ["scaling-variance/scale-factor", "scaling-variance/weight-of-two"]
OTHER = "softmax-attention/stable-order"


@pytest.fixture(autouse=True)
def home(tfx):
    """An empty history."""


def made(slug: str = "not-scaled", exercise: str = "attention"):
    """As if the reader had made this mistake now."""
    found = find_exercise(exercise)
    (mistake,) = [one for one in found.mistakes if one.id == f"{exercise}/{slug}"]
    return keep(found, Verdict(exercise, "values", "wrong", mistake=mistake))


def passed(exercise: str = "attention"):
    assert keep(find_exercise(exercise), Verdict(exercise, "passed", "so it is")) is None


def answered(item: str, right: bool, days_ago: float = 0) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    with open_to_write() as state:
        state.record_answer(Answer(item, 1, "1", right, float(right), 3 if right else 1, "", at))


def asked_next(tfx, *words: str) -> list[str]:
    lines = tfx("quiz", "--seed", "1", "--answers", "nothing.txt", "--plain", *words).out.splitlines()
    return [line.split("\t")[2] for line in lines if line.startswith("question\t")]


@pytest.fixture
def quiz(tfx, tmp_path):
    (tmp_path / "here" / "nothing.txt").write_text("", encoding="utf-8")
    return lambda *words: asked_next(tfx, *words)


def calling() -> list[str]:
    with open_to_read() as state:
        return [line.item for line in state.calling()]


def test_the_verdict_says_where_to_look_and_how_many_questions_are_due():
    look = made()
    where = "  look at: tfx explain scaling-variance --step the_division"
    assert look.lines == (where, "  2 quiz questions about it are due: tfx quiz")
    answered(ASKED[0], right=True)
    assert made().lines == (where, "  1 quiz question about it is due: tfx quiz")
    answered(ASKED[1], right=False)
    assert made().lines == (where,)


def test_the_questions_come_up_first_before_what_waits_longer(quiz):
    answered(OTHER, right=False, days_ago=3)
    assert quiz("--due") == [OTHER]
    made()
    assert quiz("--due") == [*ASKED, OTHER] and quiz()[:3] == [*ASKED, OTHER]
    assert quiz("scaling-variance")[:2] == ASKED


def test_a_pass_sends_them_back_to_their_own_schedule(quiz):
    answered(ASKED[0], right=True)
    before = asked_for()
    made()
    assert set(ASKED) <= set(quiz("--due")) and asked_for() != before
    passed()
    assert quiz("--due") == [] and asked_for() == before and calling() == []


def asked_for():
    with open_to_read() as state:
        return state.due(), state.cards()


def test_an_answer_settles_a_question_and_a_wrong_one_has_its_own_schedule():
    made()
    answered(ASKED[0], right=False)
    assert calling() == [ASKED[1]]
    with open_to_read() as state:
        assert datetime.now(UTC) < state.due()[ASKED[0]] < datetime.now(UTC) + timedelta(minutes=11)


def test_the_same_mistake_calls_a_question_once_until_the_exercise_passes():
    made()
    made()
    assert calling() == ASKED
    answered(ASKED[0], right=True)
    made()
    assert calling() == [ASKED[1]], "what was answered about this very mistake is not asked at every save"
    passed()
    made()
    assert calling() == ASKED


def test_another_exercise_s_pass_changes_nothing_and_two_mistakes_call_both():
    made()
    made("maximum-not-subtracted", "softmax")
    passed("softmax")
    assert calling() == ASKED


def next_line(tfx) -> dict[str, str]:
    return json.loads(tfx("--json").out)["advice"][0]


def test_bare_tfx_leads_to_the_step_then_to_the_questions_then_on(tfx):
    on = next_line(tfx)
    made()
    first = next_line(tfx)
    assert first["command"] == "tfx explain scaling-variance --step the_division"
    assert first["reason"] == "in your attention: scores are not divided by sqrt(D); step the_division clears it up"
    record_seen("scaling-variance", "the_division", ["the_division"])
    then = next_line(tfx)
    assert then["command"] == "tfx quiz"
    assert then["reason"] == "in your attention: scores are not divided by sqrt(D); 2 questions about it are due"
    for item in ASKED:
        answered(item, right=True)
    assert "in your attention" not in next_line(tfx)["reason"]
    assert on["command"] != first["command"]


def test_bare_tfx_counts_them_as_due(tfx):
    before = json.loads(tfx("--json").out)
    made()
    after = json.loads(tfx("--json").out)
    assert (after["due"], after["new"]) == (before["due"] + 2, before["new"] - 2)


def test_the_plan_of_an_interview_begins_with_them():
    made()
    with open_to_read() as state:
        tasks, later = plan_days([], {}, topics(), [], 7, state.calling())
    assert (tasks[0].day, tasks[0].topic, tasks[0].why) == (
        1, "scaling-variance", "in your attention: scores are not divided by sqrt(D)",
    )  # fmt: skip
    assert tasks[0].commands == ("tfx explain scaling-variance --step the_division", "tfx quiz scaling-variance")
    assert len(tasks) == 2 and later == ()


def test_a_history_from_before_still_reads_and_grows_the_list(tmp_path):
    with open_to_write() as state:
        path = state.path
        insert_answer(state.connection, Answer(OTHER, 1, "1", True, 1.0, 3, "", datetime.now(UTC)), datetime.now(UTC))
    with sqlite3.connect(path) as old:
        assert not old.execute("SELECT 1 FROM sqlite_master WHERE name = 'called'").fetchone()
    old.close()
    assert calling() == []
    made()
    assert calling() == ASKED
    with open_to_read() as state:
        assert [answer.item for answer in state.answers()] == [OTHER]


def test_they_are_rescued_from_a_damaged_file():
    made()
    with open_to_read() as state:
        before, path = state.called(), state.path
    set_aside(path)
    with open_to_read() as state:
        assert state.called() == before and len(before) == 2
