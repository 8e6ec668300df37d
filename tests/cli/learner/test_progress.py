"""Which steps were seen: written as soon as each is, kept through a kill, and counted against the reader's own walk."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.running import environment
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.progress import NOTHING, Progress, progress, record_seen
from tfx_cli.learner.state import open_to_read, open_to_write
from tfx_cli.learner.state_file import VERSION, state_path

WRITER = """
import sys
from tfx_cli.learner.progress import record_seen
names = [f"step_{number}" for number in range(1000)]
for name in names:
    assert record_seen(sys.argv[1], name, names)
    sys.stdout.write(name + "\\n")
    sys.stdout.flush()
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def reached() -> dict[str, Progress]:
    with open_to_read() as state:
        return dict(progress(state))


def test_nothing_is_seen_at_first_and_looking_creates_nothing(home):
    assert reached() == {} and not home.exists()
    assert NOTHING.words == "" and not NOTHING.done


def test_a_topic_is_done_when_all_its_steps_were_seen_in_any_order_and_twice_counts_once():
    for step in ("c", "a", "c"):
        assert record_seen("shapes", step, ("a", "b", "c"))
    assert reached() == {"shapes": Progress(2, 3, done=False)}
    assert reached()["shapes"].words == "seen 2 of 3"
    record_seen("shapes", "b", ("a", "b", "c"))
    assert reached() == {"shapes": Progress(3, 3, done=True)}
    assert reached()["shapes"].words == "read"


def test_a_step_that_only_some_inputs_have_does_not_block_the_topic():
    record_seen("attention", "a", ("a", "b", "heat_map"))
    record_seen("attention", "b", ("a", "b"))
    assert reached()["attention"] == Progress(2, 2, done=True), "all steps of the second walk"
    record_seen("qkv", "a", ("a", "b", "c"))
    record_seen("qkv", "a", ("a", "x"))
    assert reached()["qkv"] == Progress(1, 2, done=False), "the walk that is nearest to its end"


def test_steps_of_one_topic_say_nothing_about_another():
    record_seen("one", "a", ("a",))
    record_seen("two", "b", ("a", "b"))
    with open_to_read() as state:
        assert {name for name, reached in progress(state).items() if reached.done} == {"one"}


def test_topics_that_an_earlier_tfx_counted_stay_done_also_when_they_are_read_again():
    with open_to_write() as state:
        state.connection.execute("INSERT INTO explained VALUES ('old', '2026-01-01T00:00:00.000000+00:00')")
    record_seen("old", "a", ("a", "b"))
    assert reached() == {"old": Progress(1, 2, done=True)}
    assert reached()["old"].words == "read"


def test_a_file_from_before_steps_were_counted_is_read_and_goes_on():
    with open_to_write() as state:
        state.record_answer(Answer("a/b", 1, "2", True, 1.0, 3, "", datetime.now(UTC)))
        state.connection.execute("INSERT INTO explained VALUES ('old', '2026-01-01T00:00:00.000000+00:00')")
        state.connection.execute("DROP TABLE IF EXISTS seen")
    assert reached() == {"old": Progress(done=True)}
    record_seen("new", "a", ("a", "b"))
    assert reached() == {"old": Progress(done=True), "new": Progress(1, 2)}
    with open_to_read() as state:
        assert len(state.answers()) == 1
        assert state.connection.execute("PRAGMA user_version").fetchone()[0] == VERSION


def test_a_line_that_makes_no_sense_is_left_out():
    record_seen("one", "a", ("a", "b"))
    record_seen("one", "b", ("a", "b"))
    record_seen("two", "a", ("a", "b"))
    with sqlite3.connect(state_path()) as direct:
        direct.execute("UPDATE seen SET at = 'yesterday' WHERE id = 1")
        direct.execute("UPDATE seen SET steps = 'x y' WHERE id = 3")
    direct.close()
    assert reached() == {"one": Progress(1, 2)}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_kill_loses_no_step_that_was_reported(home):
    for attempt in range(8):
        topic = f"topic-{attempt}"
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, topic], env=environment(home), stdout=subprocess.PIPE, text=True
        )
        told = [writer.stdout.readline() for _ in range(1 + attempt % 3)]
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.readlines()
        writer.wait()
        writer.stdout.close()
        with open_to_write() as state:
            assert state.notice == ""
        assert reached()[topic].seen >= sum(line.endswith("\n") for line in told) > 0


def test_what_can_be_read_of_a_damaged_file_keeps_its_steps(home):
    for number in range(300):
        with open_to_write() as state:
            state.connection.execute("PRAGMA synchronous = OFF")
            names = [f"step_{n}" for n in range(number + 1)]
            state.record_step("long", names[-1], names)
    data = state_path().read_bytes()
    state_path().write_bytes(data[: len(data) * 3 // 4])
    with open_to_write() as state:
        assert "damaged" in state.notice
        kept = state.seen()
    assert 0 < len(kept) < 300 and reached()["long"].seen == len(kept)


def test_explaining_goes_on_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "file"))
    assert record_seen("scaling-variance", "the_sum", ("the_sum",)) is False
