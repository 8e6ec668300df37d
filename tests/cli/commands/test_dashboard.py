"""`tfx` alone says where you are, what is due and what to type next."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from lessons.course import modules, topics
from lessons.quiz import all_items
from tests.cli.running import LAUNCH, environment, one_sentence
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.state import open_to_write, record_explained
from tfx_cli.learner.state_file import state_path


def answered(days_ago: int, seconds: float | None, *ids: str) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    with open_to_write() as state:
        for item in ids:
            state.record_answer(Answer(item, 0, "1", False, 0.0, 1, "a mistake", at, seconds))


def test_a_fresh_reader_is_led_to_the_first_topic_and_nothing_is_created(tfx):
    ran = tfx()
    assert ran.code == 0 and ran.err == ""
    assert all(f"0 of {len(module.topics)} topics" in ran.out for module in modules())
    assert f"tfx explain {topics()[0].name}" in ran.out and "tfx quiz" in ran.out
    assert f"nothing; {len(all_items())} new questions" in ran.out
    assert not state_path().parent.exists()


def test_progress_counts_topics_shown_and_the_next_one_has_its_prerequisites(tfx):
    first = topics()[0]
    record_explained(first.name)
    told = json.loads(tfx("--json").out)
    assert told["schema_version"] == 1
    assert sum(module["explained"] for module in told["modules"]) == 1
    following = next(topic for topic in topics()[1:] if set(topic.after) <= {first.name})
    assert told["advice"][0]["command"] == f"tfx explain {following.name}"
    assert "[##----------------]" in tfx().out or "[#" in tfx().out


def test_after_the_last_topic_it_says_so(tfx):
    for topic in topics():
        record_explained(topic.name)
    ran = tfx()
    assert "[##################]" in ran.out and "tfx quiz --interview" in ran.out


def test_due_cards_are_counted_with_the_time_this_reader_takes(tfx):
    ids = [item.id for item in all_items()[:7]]
    answered(1, 60.0, *ids)
    assert "7 cards, about 7 minutes" in tfx().out
    told = json.loads(tfx("--json").out)
    assert (told["due"], told["minutes"], told["new"]) == (7, 7, len(all_items()) - 7)


def test_a_card_of_an_item_that_is_gone_is_not_due(tfx):
    answered(1, 60.0, "old-topic/removed")
    assert json.loads(tfx("--json").out)["due"] == 0


def test_the_plain_face_is_tab_separated(tfx):
    lines = [line.split("\t") for line in tfx("--plain").out.splitlines()]
    assert [line[0] for line in lines] == [*["module"] * len(modules()), "due", "new", "next", "due", "try"]


@pytest.mark.parametrize("columns", ["20", "40", "60", "80"])
def test_it_fits_the_terminal(tfx, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    ran = tfx()
    commands = [line for line in ran.out.splitlines() if "tfx " in line]
    assert len(commands) >= 5
    if int(columns) >= 60:
        assert max(map(len, ran.out.splitlines())) <= int(columns)


def test_options_before_a_command_are_not_silently_ignored(tfx):
    ran = tfx("--json", "quiz", "--stats")
    assert ran.code == 2 and "after the command" in one_sentence(ran)


@pytest.mark.parametrize("words", [(), ("quiz", "--stats")])
def test_looking_imports_no_numpy_and_no_fsrs(tmp_path, words):
    code = LAUNCH.replace("sys.exit(main())", "code = main(); assert not {'numpy', 'fsrs', 'rich'} & set(sys.modules)")
    done = subprocess.run(
        [sys.executable, "-c", code + "; sys.exit(code)", *words],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
