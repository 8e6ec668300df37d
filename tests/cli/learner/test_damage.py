"""Any damage of the history, on any page, is told, set aside and mended with every answer whose own bytes are whole."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.running import environment, one_sentence, run
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.record_scan import rows_in
from tfx_cli.learner.state import open_to_read, open_to_write
from tfx_cli.learner.state_file import VERSION, stamp, state_path

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
COUNT = 320
MEND = "from tfx_cli.learner.state import open_to_write\nwith open_to_write(): pass"
STEPS = ("the_scores", "the_weights", "the_average")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[bytes, list[Answer]]:
    """The bytes of a history of 320 answers, and the answers."""
    home = tmp_path_factory.mktemp("whole")
    written = [
        Answer(f"topic/{n % 23}", n, "x" * (n % 90), n % 3 > 0, float(n % 3 > 0), 3 if n % 3 else 1, "", when, n / 4)
        for n in range(COUNT)
        if (when := START + timedelta(hours=n))
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TFX_HOME", str(home))
        with open_to_write() as state:
            state.connection.execute("PRAGMA synchronous = OFF")
            for answer in written:
                state.record_answer(answer)
            for step in STEPS:
                state.record_step("softmax-attention", step, STEPS)
            state.connection.execute("INSERT INTO explained VALUES (?, ?)", ("softmax-attention", stamp(START)))
        return state_path().read_bytes(), written


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TFX_HOME", str(tmp_path))
    return tmp_path


def put(data: bytes) -> None:
    """Makes `data` the history of an otherwise empty folder."""
    folder = state_path().parent
    shutil.rmtree(folder)
    folder.mkdir()
    state_path().write_bytes(data)


def read() -> tuple[list[Answer], str]:
    with open_to_read() as state:
        return state.answers(), state.notice


def mended() -> tuple[list[Answer], str]:
    """As after the next command that writes; a second one finds nothing to mend."""
    with open_to_write() as state:
        found = state.answers(), state.notice
    with open_to_write() as state:
        assert (state.answers(), state.notice) == (found[0], "")
    return found


def places_of_page_1(data: bytes) -> list[int]:
    """Its header and its cells; between them nothing is stored."""
    first = struct.unpack(">H", data[105:107])[0]
    return [*range(108), *range(first, 4096)]


def check_single_bytes(whole, places: list[int], mend: bool) -> None:
    """Changes one byte after another; mend: also let the next command write."""
    data, written = whole
    draw = random.Random(1)
    for place in places:
        value = draw.choice([draw.randrange(256), data[place] ^ (1 << draw.randrange(8))])
        changed = bytearray(data)
        if place == 63 and value == VERSION + 1:
            continue  # that is a file of the next tfx, and left alone
        changed[place] = value
        put(bytes(changed))
        answers, notice = read()
        assert answers == written, (place, value)
        if mend and notice:
            answers, notice = mended()
            assert answers == written, (place, value)
            assert "was set aside as" in notice and f"{COUNT} answers moved" in notice, (place, value)


def test_a_changed_byte_of_the_first_page_loses_no_answer_and_locks_nobody_out(whole):
    draw = random.Random(2)
    places = places_of_page_1(whole[0])
    check_single_bytes(whole, sorted({*range(16, 24), *range(60, 72), *draw.sample(places, 8)}), mend=True)


@pytest.mark.slow
def test_every_changed_byte_of_the_first_page_loses_no_answer_and_locks_nobody_out(whole):
    check_single_bytes(whole, places_of_page_1(whole[0]), mend=False)


def test_a_name_that_python_cannot_read_is_damage_like_any_other(whole, home):
    data = bytearray(whole[0])
    data[data.index(b"tablecardscards") + len(b"table")] = 0xC1
    data[data.index(b"CREATE TABLE cards") + 8] ^= 1
    put(bytes(data))
    for words in ([], ["explain"], ["explain", "3"], ["quiz", "--stats"], ["quiz", "--stats", "--json"]):
        ran = run(*words, home=home)
        assert ran.code == 0 and f"is damaged; {COUNT} answers can be read." in one_sentence(ran)
        assert ran.err.startswith("tfx: your history in "), ran
    ran = run("quiz", "scaling-variance", "--count", "1", "--answers", "-", home=home, stdin="\n")
    assert ran.code == 0, ran
    assert ran.err.startswith(f"tfx: your history was damaged; it was set aside as {home}/damaged-"), ran
    assert f"and {COUNT} answers moved to a new file." in ran.err


def test_steps_that_were_seen_are_kept_with_the_answers(whole):
    put(b"\0" * 4096 + whole[0][4096:])
    with open_to_write() as state:
        assert [one.step for one in state.seen()] == list(STEPS) and state.explained() == {"softmax-attention"}


def test_two_damaged_pages_cost_what_stood_on_them_and_nothing_else(whole):
    data, written = whole
    full = [number for number in range(2, len(data) // 4096 + 1) if data[(number - 1) * 4096] == 13]
    draw = random.Random(3)
    for _ in range(10):
        changed = bytearray(data)
        left = data
        for number in draw.sample(full, 2):
            changed[(number - 1) * 4096 : number * 4096] = draw.randbytes(4096)
            left = left[: (number - 1) * 4096] + bytes(4096) + left[number * 4096 :]
        put(bytes(changed))
        answers, notice = mended()
        there = {values[1] for _, values in rows_in(left, 9, True)}
        assert answers == [answer for answer in written if answer.seed in there]
        assert len(answers) > COUNT * 0.7 and f"{len(answers)} answers moved" in notice


@pytest.mark.parametrize("part", [0.9, 0.5, 0.25])
def test_of_a_file_that_was_cut_everything_before_the_cut_is_kept(whole, part):
    data, written = whole
    put(data[: int(len(data) * part) + 77])
    answers, notice = mended()
    before = data[: int(len(data) * part) + 77 - 8]  # behind the time stands how long it took, in up to eight bytes
    rows = {one: f"{one.given}{'' if one.rating == 1 else chr(3)}{stamp(one.at)}".encode() for one in written}
    assert answers == [one for one, row in rows.items() if row in before], "a 1 is stored as nothing"
    assert "was set aside" in notice and f"{len(answers)} answers moved" in notice
    assert answers or part < 0.5


def test_a_lost_version_is_no_empty_history(whole):
    changed = bytearray(whole[0])
    changed[63] = 0
    put(bytes(changed))
    assert read()[0] == whole[1] and "is damaged" in read()[1]


@pytest.mark.parametrize("version", [3, 99, 255])
def test_a_version_that_its_tables_do_not_have_is_damage(whole, version):
    changed = bytearray(whole[0])
    changed[63] = version
    put(bytes(changed))
    assert read()[0] == whole[1] and mended()[0] == whole[1]


def test_a_missing_table_is_damage(whole):
    import sqlite3

    put(whole[0])
    with sqlite3.connect(state_path()) as direct:
        direct.execute("DROP TABLE cards")
    direct.close()
    assert read()[0] == whole[1]
    answers, notice = mended()
    assert answers == whole[1] and "was set aside" in notice


def test_answers_longer_than_a_page_are_found_too(home):
    with open_to_write() as state:
        given = ["short", "x" * 4050, "y" * 9000, "z" * 20000]
        for number, text in enumerate(given):
            state.record_answer(Answer("topic/one", number, text, True, 1.0, 3, "", START, None))
    data = state_path().read_bytes()
    put(b"\0" * 100 + data[100:])
    assert [answer.given for answer in mended()[0]] == given


def test_rows_are_found_only_where_their_sizes_agree(whole):
    data = whole[0]
    assert len(set(rows_in(data, 9, True))) == COUNT
    assert not list(rows_in(random.Random(4).randbytes(200_000), 9, True))
    assert [values[0] for _, values in rows_in(data, 2, False) if str(values[1]).startswith("20")] == [
        "softmax-attention"
    ]


def test_a_lock_file_with_something_in_it_stops_no_repair(whole, home):
    put(b"\0" * 200 + whole[0][200:])
    (home / "repair.lock").write_bytes(b"not a database" * 100)
    assert mended()[0] == whole[1]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_kill_at_any_system_call_of_the_mending_loses_nothing(whole, home):
    changed = bytearray(whole[0])
    changed[9 * 4096 : 10 * 4096] = random.Random(5).randbytes(4096)
    put(bytes(changed))
    kept, _ = mended()
    assert COUNT * 0.8 < len(kept) < COUNT
    kills = 0
    calls = ("pwrite64", "fdatasync,fsync", "unlink,unlinkat", "rename,renameat,renameat2", "copy_file_range,sendfile",
             "mkdir,rmdir", "utimensat")  # fmt: skip
    for call in calls:
        for number in range(1, 60):
            put(bytes(changed))
            kill = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
            done = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", *kill, sys.executable, "-c", MEND],
                env=environment(home), capture_output=True,
            )  # fmt: skip
            if done.returncode == 0:
                break
            kills += 1
            assert mended()[0] == kept, (call, number)
    assert kills >= 10
