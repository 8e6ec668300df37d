"""The history survives two terminals, a kill at any moment, damage, a full disk and a newer version."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.running import environment, run
from tfx.errors import EnvironmentProblem
from tfx_cli.learner import state_file
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.scheduling import rebuild
from tfx_cli.learner.state import open_to_read, open_to_write
from tfx_cli.learner.state_file import VERSION, stamp, state_path
from tfx_cli.quizzing.stats import days_in_a_row

START = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)

WRITER = """
import sys
from datetime import UTC, datetime
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.state import open_to_write
name, count = sys.argv[1], int(sys.argv[2])
with open_to_write() as state:
    if len(sys.argv) > 3:
        state.connection.execute("PRAGMA synchronous = OFF")
    for number in range(count):
        state.record_answer(Answer(f"{name}/{number % 7}", number, name, True, 1.0, 3, "", datetime.now(UTC)))
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def answer(item: str = "topic/one", correct: bool = True, at: datetime = START, given: str = "42") -> Answer:
    grade = 3 if correct else 1
    return Answer(item, 7, given, correct, float(correct), grade, "" if correct else "a mistake", at, 12.5)


def fill(count: int) -> list[Answer]:
    written = [answer(f"topic/{n % 5}", n % 3 > 0, START + timedelta(hours=n)) for n in range(count)]
    with open_to_write() as state:
        state.connection.execute(
            "PRAGMA synchronous = OFF"
        )  # nobody pulls the plug here, and 300 answers take a second
        for one in written:
            state.record_answer(one)
    return written


def start_writer(home: Path, name: str, count: int, *fast: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, name, str(count), *fast],
        env=environment(home),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_was_written_is_read_back_to_the_microsecond():
    written = fill(8)
    with open_to_read() as state:
        assert state.answers() == written
        assert state.notice == ""


def test_reading_creates_nothing(home):
    with open_to_read() as state:
        assert state.answers() == [] and state.due() == {} and state.explained() == set()
    assert not home.exists()


def test_cards_rebuilt_from_the_log_equal_the_stored_ones():
    fill(40)
    with open_to_read() as state:
        again = rebuild((one.item, one.rating, one.at) for one in state.answers())
        assert {item: (card, stamp(due)) for item, (card, due) in again.items()} == state.cards()
        assert {item: due for item, (_, due) in again.items()} == state.due(START + timedelta(days=99))


def test_a_card_that_cannot_be_read_is_made_again_from_the_log(home):
    fill(6)
    with sqlite3.connect(state_path()) as direct:
        direct.execute("UPDATE cards SET card = '{\"from\": \"another version\"}' WHERE item = 'topic/1'")
    direct.close()
    with open_to_write() as state:
        state.record_answer(answer("topic/1", at=START + timedelta(days=3)))
        again = rebuild((one.item, one.rating, one.at) for one in state.answers())
        assert state.cards()["topic/1"] == (again["topic/1"][0], stamp(again["topic/1"][1]))


def test_the_log_holds_what_the_clock_said():
    with open_to_write() as state:
        state.record_answer(answer(at=START))
        state.record_answer(answer(at=START - timedelta(days=9)))
        assert [one.at for one in state.answers()] == [START, START - timedelta(days=9)]


def test_a_clock_that_was_ahead_freezes_neither_cards_nor_days():
    ahead = START.replace(year=2099)
    with open_to_write() as state:
        state.record_answer(answer("topic/once", at=ahead))
        state.record_answer(answer("topic/twice", at=ahead))
        due = state.record_answer(answer("topic/twice", at=START))
        assert START < due < START + timedelta(days=30)
        assert state.due(START) == {"topic/once": START, "topic/twice": due}, "the first was not reviewed in 2099"
        again = rebuild((one.item, one.rating, one.at) for one in state.answers())
        assert {item: (card, stamp(due)) for item, (card, due) in again.items()} == state.cards()
        assert days_in_a_row({one.at.date() for one in state.answers()}, START.date()) == 1


def test_a_clock_that_says_a_year_before_tfx_moves_no_card_back():
    with open_to_write() as state:
        state.record_answer(answer(at=START))
        due = state.record_answer(answer(at=START.replace(year=1971)))
        assert due > START
        assert state.due(START.replace(year=1971)) == {"topic/one": due}


def test_a_year_that_no_card_can_come_back_from_is_refused_before_anything_is_asked(monkeypatch):
    class Late(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(9998, 12, 31, tzinfo=tz)

    monkeypatch.setattr("tfx_cli.learner.state.datetime", Late)
    with pytest.raises(EnvironmentProblem, match="this computer's clock says the year 9998"):
        open_to_write()


def test_two_terminals_lose_nothing(home):
    home.mkdir()
    writers = [start_writer(home, name, 200, "fast") for name in ("left", "right")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    for writer in writers:
        writer.stdout.close()
    with open_to_read() as state:
        log = state.answers()
        for name in ("left", "right"):
            assert [one.seed for one in log if one.given == name] == list(range(200))
        again = rebuild((one.item, one.rating, one.at) for one in log)
        assert {item: (card, stamp(due)) for item, (card, due) in again.items()} == state.cards()


def test_two_terminals_that_both_come_first_make_one_file(home):
    writers = [start_writer(home, name, 3) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.stdout.close()
    with open_to_read() as state:
        assert len(state.answers()) == 9


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_kill_loses_no_answer_that_was_reported(home):
    kept = 0
    for attempt in range(20):
        writer = start_writer(home, f"run{attempt}", 10_000)
        seen = [writer.stdout.readline() for _ in range(1 + attempt % 4)]
        writer.send_signal(signal.SIGKILL)
        seen += writer.stdout.readlines()  # what was reported before the kill arrived
        writer.wait()
        writer.stdout.close()
        with open_to_write() as state:
            assert state.notice == ""
            log = [one for one in state.answers() if one.given == f"run{attempt}"]
            assert len(log) >= sum(line.endswith("\n") for line in seen) > 0
            kept += len(log)
            assert len(state.answers()) == kept
            again = rebuild((one.item, one.rating, one.at) for one in state.answers())
            assert {item: (card, stamp(due)) for item, (card, due) in again.items()} == state.cards()


def damage(kind: str) -> None:
    path = state_path()
    data = path.read_bytes()
    far = len(data) * 3 // 4
    leaf = 4096 * 9  # a page of answers, neither the first nor the last
    path.write_bytes(
        {
            "cut short": data[:far],
            "cut to its header": data[:100],
            "cut to a few bytes": data[:10],
            "zeros": bytes(len(data)),
            "zeros at the end": data[:far] + bytes(len(data) - far),
            "text": b"this is not a database\n" * 100,
            "one zeroed page": data[:leaf] + bytes(4096) + data[leaf + 4096 :],
        }[kind]
    )


KINDS = ["cut short", "cut to its header", "cut to a few bytes", "zeros", "zeros at the end", "text"]


@pytest.mark.parametrize("kind", [*KINDS, "one zeroed page"])
def test_a_damaged_file_is_set_aside_and_what_can_be_read_goes_on(home, kind):
    written = fill(300)
    damage(kind)
    broken = state_path().read_bytes()
    with open_to_write() as state:
        (aside,) = home.glob("damaged-*-state.sqlite3")
        assert str(aside) in state.notice and state.notice.count("\n") == 0
        assert aside.read_bytes() == broken, "nothing of the damaged file is thrown away"
        rescued = state.answers()
        assert f"{len(rescued)} answer" in state.notice
        assert set(rescued) <= set(written) and [one for one in written if one in set(rescued)] == rescued
        if kind in ("cut short", "zeros at the end", "one zeroed page"):
            assert 0 < len(rescued) < len(written)
        if kind == "one zeroed page":
            assert rescued[0] == written[0] and rescued[-1] == written[-1], "read from both ends"
        state.record_answer(answer("topic/new"))
        again = rebuild((one.item, one.rating, one.at) for one in state.answers())
        assert {item: due for item, (_, due) in again.items()} == state.due(START + timedelta(days=99))
    with open_to_write() as state:
        assert state.notice == "" and len(state.answers()) == len(rescued) + 1


@pytest.mark.parametrize("kind", KINDS)
def test_reading_a_damaged_file_shows_what_is_left_and_changes_nothing(home, kind):
    fill(300)
    damage(kind)
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    with open_to_read() as state:
        assert "damaged" in state.notice
        assert f"{len(state.answers())} answer" in state.notice
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


def test_two_terminals_that_find_the_damage_together_keep_what_both_then_write(home):
    fill(50)
    damage("text")
    writers = [start_writer(home, name, 20) for name in ("left", "right")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    for writer in writers:
        writer.stdout.close()
    with open_to_read() as state:
        assert len(state.answers()) == 40
    assert len(list(home.glob("damaged-*-state.sqlite3"))) == 1


def test_an_empty_file_of_a_first_run_that_was_stopped_is_simply_used(home):
    home.mkdir()
    state_path().touch()
    with open_to_read() as state:
        assert state.answers() == []
    with open_to_write() as state:
        state.record_answer(answer())
        assert len(state.answers()) == 1


def test_a_line_of_the_log_that_makes_no_sense_is_left_out_and_reported():
    fill(4)
    with sqlite3.connect(state_path()) as direct:
        direct.execute("UPDATE answers SET at = 'yesterday' WHERE id = 2")
        direct.execute("UPDATE answers SET given = CAST(X'FF' AS TEXT) WHERE id = 3")
    direct.close()
    with open_to_read() as state:
        assert len(state.answers()) == 3
        assert "1 of the 4 answers" in state.notice


def test_a_value_that_makes_no_sense_breaks_no_page(home):
    fill(10)
    with sqlite3.connect(state_path()) as direct:
        direct.execute("UPDATE answers SET seconds = 9e999 WHERE id = 1")
        direct.execute("UPDATE answers SET seconds = -1 WHERE id = 2")
        direct.execute("UPDATE answers SET at = '9999-12-31T23:59:59.000000+00:00' WHERE id = 3")
        direct.execute("UPDATE answers SET score = 9e999 WHERE id = 4")
        direct.execute("UPDATE cards SET card = replace(card, '\"stability\": ', '\"stability\": -')")
        direct.execute("UPDATE cards SET due = '9999-12-31T23:59:59.000000+00:00' WHERE item = 'topic/0'")
        direct.execute("UPDATE cards SET card = '[]' WHERE item = 'topic/2'")
    direct.close()
    with open_to_read() as state:
        log = state.answers()
        assert [one.seconds for one in log[:2]] == [None, None] and len(log) == 8
        assert "2 of the 10 answers" in state.notice
        assert set(state.due()) == {f"topic/{n}" for n in range(1, 5)}
    for words in (["--json"], ["quiz", "--stats", "--json"], ["quiz", "--stats"], []):
        ran = run(*words, home=home)
        assert ran.code == 0 and "cannot be read and are left out." in ran.err, ran
    with open_to_write() as state:
        for item in ("topic/1", "topic/2"):
            assert state.record_answer(answer(item, at=START + timedelta(days=3))) > START


@pytest.mark.parametrize("open_it", [open_to_read, open_to_write])
def test_a_file_of_a_newer_version_is_left_alone(open_it):
    fill(3)
    with sqlite3.connect(state_path()) as direct:
        direct.execute(f"PRAGMA user_version = {VERSION + 1}")
    direct.close()
    before = state_path().read_bytes()
    with pytest.raises(EnvironmentProblem, match="newer tfx") as caught:
        open_it()
    assert "TFX_HOME" in caught.value.hint
    assert state_path().read_bytes() == before


@pytest.mark.parametrize("open_it", [open_to_read, open_to_write])
def test_a_database_of_another_program_is_left_alone(home, open_it):
    home.mkdir()
    with sqlite3.connect(state_path()) as direct:
        direct.execute("CREATE TABLE recipes (name TEXT)")
    direct.close()
    before = state_path().read_bytes()
    with pytest.raises(EnvironmentProblem, match="another program"):
        open_it()
    assert state_path().read_bytes() == before


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "file" / "data"))
    with pytest.raises(EnvironmentProblem, match="cannot be kept") as caught:
        open_to_write()
    assert caught.value.exit_code == 3 and "TFX_HOME" in caught.value.hint
    with open_to_read() as state:
        assert state.answers() == []


def test_a_write_protected_file_is_found_before_anything_is_asked(monkeypatch):
    fill(2)
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda name, **rest: real(name.replace("mode=rwc", "mode=ro"), **rest))
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        open_to_write()


def test_another_terminal_that_never_finishes_is_named():
    fill(1)
    blocker = sqlite3.connect(state_path(), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(EnvironmentProblem, match="another tfx is writing"):
            open_to_write(patience=0.05)
    finally:
        blocker.close()


FULL_DISK = """
import resource, sys
from datetime import UTC, datetime
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.state import open_to_write
from tfx_cli.learner.state_file import state_path
from tfx.errors import TfxError
told = 0
with open_to_write() as state:
    limit = state_path().stat().st_size + 8192
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        for number in range(2000):
            state.record_answer(Answer("a/b", number, "x" * 200, True, 1.0, 3, "", datetime.now(UTC)))
            told += 1
    except TfxError as error:
        print(told, error.exit_code, error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_disk_that_fills_up_is_one_sentence_and_loses_no_answer_before_it(home):
    done = subprocess.run([sys.executable, "-c", FULL_DISK], env=environment(home), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told, code, message = done.stdout.split(" ", 2)
    assert int(told) > 0 and code == "3" and "cannot be kept" in message
    with open_to_write() as state:
        assert [one.seed for one in state.answers()] == list(range(int(told)))
        assert state.notice == ""


def test_a_full_disk_is_called_that(monkeypatch):
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = "SQLITE_FULL"
    with pytest.raises(EnvironmentProblem, match="the disk is full"), state_file.explained_errors(state_path()):
        raise error


def test_the_folder_is_the_systems_own_unless_told(monkeypatch):
    import platformdirs

    monkeypatch.delenv("TFX_HOME")
    assert state_path().parent == Path(platformdirs.user_data_dir("tfx-learn", appauthor=False))
    monkeypatch.setenv("TFX_HOME", os.path.join("~", "elsewhere"))
    assert state_path() == Path.home() / "elsewhere" / "state.sqlite3"
