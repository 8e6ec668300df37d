"""Damaged files and odd command lines of a given seed: one of the contract's exit codes, a sentence, nothing raw.

No traceback, no "this should not happen", no control character, no hang, no more memory than a small run takes.  The
whole campaign is marked slow.
"""

from __future__ import annotations

import contextlib
import io
import json
import mmap
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from tests.cli.conftest import COURSE, LESSON
from tests.cli.damage import spoil
from tests.cli.running import TERMINAL_VARIABLES
from tests.lessons.made_up import made_up_course
from tfx.claims import claims as known_claims
from tfx.claims.claim import REGISTERED
from tfx.lab.kept_rows import KeptRows
from tfx.shipped import load as shipped
from tfx_cli.__main__ import main
from tfx_cli.app import load_all
from tfx_cli.command_table import COMMANDS
from tfx_cli.learner import own_claims
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.bets import CHOICES, bets_path, keep
from tfx_cli.learner.state import open_to_write
from tfx_cli.learner.state_file import data_folder, state_path

CODES = {0, 1, 2, 3}
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]")
#: seconds that one command may take on a busy machine
LONGEST = 60
#: bytes that a command may take beyond what the process had
MOST_MEMORY = 2**30
#: another one: FUZZ_SEED=7 pytest -m slow tests/cli/test_fuzz.py
SEED = int(os.environ.get("FUZZ_SEED", "20261"))


class Hang(BaseException):
    """Not to be caught by the command."""


def stop(number: int, frame: object) -> None:
    raise Hang


def peak_memory(anew: bool = False) -> int:
    """The most bytes that this process has held, since the last call with anew; 0 where the system does not tell."""
    try:
        if anew:
            Path("/proc/self/clear_refs").write_text("5")
        return 1024 * int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])
    except (OSError, TypeError):
        return 0


def faults(words: list[str], stdin: str = "") -> list[str]:
    """What is wrong with how this command ends, in this process."""
    held = peak_memory(anew=True)
    out, err = io.StringIO(), io.StringIO()
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST)
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("sys.stdin", io.StringIO(stdin))
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(words)
    except Hang:
        return ["hang"]
    except BaseException as error:
        return [f"raised {type(error).__name__}: {error}"]
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    said = err.getvalue()
    found = [] if code in CODES else [f"exit code {code}"]
    found += [f"{taken / 2**20:.0f} MiB"] if (taken := peak_memory() - held) > MOST_MEMORY else []
    found += [word for word in ("Traceback", "should not happen", "Warning") if word in said + out.getvalue()]
    found += ["raw control character"] if RAW.search(said + out.getvalue()) else []
    found += ["no sentence"] if code in (2, 3) and "--json" not in words and "\ntfx: " not in f"\n{said}" else []
    return [f"{fault}: {said[-300:]}" for fault in found]


def takes_much(words: list[str]) -> int:
    """Pages of its own: `bytes` may be given what the process has held and freed before."""
    with mmap.mmap(-1, 2**27) as taken:
        for page in range(0, len(taken), mmap.PAGESIZE):
            taken[page] = 1
    return 0


def waits(words: list[str]) -> int:
    time.sleep(30)
    return 0


def raises(words: list[str]) -> int:
    raise OSError("raw")


def says(text: str, code: int) -> Callable[[list[str]], int]:
    def command(words: list[str]) -> int:
        sys.stderr.write(text)
        return code

    return command


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (waits, ["hang"]),
        (raises, ["raised OSError: raw"]),
        (says("", 4), ["exit code 4: "]),
        (says("mine\n", 3), ["no sentence: mine\n"]),
        (says("tfx: this should not happen\n", 3), ["should not happen: tfx: this should not happen\n"]),
        (says("\x1b[2J", 0), ["raw control character: \x1b[2J"]),
        (says("told\ntfx: a sentence.\n", 2), []),
    ],
)
def test_what_is_looked_for_is_seen(command, found, monkeypatch):
    for name, value in {"main": command, "LONGEST": 1, "MOST_MEMORY": 2**26}.items():
        monkeypatch.setattr(f"{__name__}.{name}", value)
    assert faults(["x"]) == found


@pytest.mark.skipif(not peak_memory(), reason="this system does not tell how much a process has held")
def test_what_a_command_takes_is_seen(monkeypatch):
    monkeypatch.setattr(f"{__name__}.MOST_MEMORY", 2**26)
    monkeypatch.setattr(f"{__name__}.main", takes_much)
    (found,) = faults(["x"])
    assert re.fullmatch(r"1[23]\d MiB: ", found)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    for name in TERMINAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))  # --install-completion writes there
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def histories(place: Path) -> Callable[[random.Random], list[str]]:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with open_to_write() as state:
        state.connection.execute("PRAGMA synchronous = OFF")
        for n in range(60):
            answer = Answer(f"softmax-attention/{n % 9}", n, "1", True, 1.0, 3, "", start + timedelta(hours=n), 2.0)
            state.record_answer(answer)
    good = state_path().read_bytes()

    def one(draw: random.Random) -> list[str]:
        for path in filter(Path.is_file, state_path().parent.iterdir()):
            path.unlink()
        spoil(state_path(), good, draw)
        words = draw.choice(
            [[], ["--json"], ["quiz", "--stats"], ["quiz", "scaling", "--count", "1", "--answers", "-"]]
        )
        return faults(words, "1\n")

    return one


def checkpoints(place: Path) -> Callable[[random.Random], list[str]]:
    assert not faults(["train", "copy", "--steps", "2", "--out", "good.npz", "--json"])
    good = (place / "good.npz").read_bytes()

    def one(draw: random.Random) -> list[str]:
        spoil(place / "c.npz", good, draw)
        words = draw.choice([["--steps", "3", "--resume"], ["--steps", "2", "--resume"], ["--try", "1234"]])
        return faults(["train", "copy", *words, "--out", "c.npz", "--json"])

    return one


def weights(place: Path, patched: pytest.MonkeyPatch) -> Callable[[random.Random], list[str]]:
    real = shipped._FOLDER
    patched.setattr(shipped, "_FOLDER", place)
    for path in real.glob("*.npz"):
        (place / path.name).write_bytes(path.read_bytes())

    def one(draw: random.Random) -> list[str]:
        generate, explain = ["generate", "--max-new", "1"], ["explain", "attention", "--step", "1", "--json"]
        name, words = draw.choice([("language", generate), ("pointing", explain)])
        spoil(place / f"{name}.npz", (real / f"{name}.npz").read_bytes(), draw)
        try:
            return faults(words)
        finally:
            (place / f"{name}.npz").write_bytes((real / f"{name}.npz").read_bytes())

    return one


def answers(place: Path) -> Callable[[random.Random], list[str]]:
    lines = [b"1", b"1 2", b"0.5", b'{"id": "scaling-variance/x", "answer": 1}', b"(2, 3)", b"\xff\xfe", b"",
             b"x" * 3000, b"\x1b]0;t\x07", "\u202e1".encode(), b"1e999", b"9**9**9", b"[" * 2000, b'{"a":' * 3000,
             b"1_0", b"\0"]  # fmt: skip

    def one(draw: random.Random) -> list[str]:
        data = draw.choice([b"\n", b"\r\n", b"\x0b"]).join(draw.choices(lines, k=draw.randrange(6)))
        spoil(place / "a.txt", data + b"\n", draw) if draw.random() < 0.3 else (place / "a.txt").write_bytes(data)
        face = draw.choice([[], ["--plain"], ["--json"]])
        return faults(["quiz", draw.choice(["scaling", "softmax"]), "--seed", "1", "--answers", "a.txt", *face])

    return one


def stopped_runs(place: Path, patched: pytest.MonkeyPatch) -> Callable[[random.Random], list[str]]:
    """The rows of an experiment that was stopped: what is resumed ends with the rows of a run that never was."""
    words = ["experiment", "saturation", "--quick", "--json"]

    def rows(*more: str) -> list[dict]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            assert main([*words, *more]) == 0
        return json.loads(out.getvalue())["rows"]

    with pytest.MonkeyPatch.context() as kept:
        kept.setattr(KeptRows, "forget", lambda self: None)
        whole = rows()
    (path,) = (data_folder() / "unfinished").iterdir()
    good = path.read_bytes()

    def one(draw: random.Random) -> list[str]:
        spoil(path, good, draw)
        found = faults([*words, "--resume"])
        spoil(path, good, draw)
        return found + ([] if rows("--resume") == whole else ["other rows"])

    return one


@contextlib.contextmanager
def claims_go() -> Iterator[None]:
    """What a reader's file registers inside is not there afterwards."""
    known_claims()
    before = dict(REGISTERED)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(own_claims, "LOADED", [])
        try:
            yield
        finally:
            REGISTERED.clear()
            REGISTERED.update(before)


def own_files(place: Path) -> Callable[[random.Random], list[str]]:
    """Claims of the reader's own, to be added and kept, and bets."""
    for n in range(30):
        keep({"at": "2026-03-01", "claim": "C202", "bet": CHOICES[n % 3], "found": CHOICES[0]})
    bets, template = bets_path().read_bytes(), own_claims.TEMPLATE.encode()
    kept = own_claims.folder() / "mine.py"
    kept.parent.mkdir()

    def one(draw: random.Random) -> list[str]:
        kind = draw.choice(["add", "kept", "bets"])
        kept.unlink(missing_ok=True)
        path, good = {"add": (place / "mine.py", template), "kept": (kept, template), "bets": (bets_path(), bets)}[kind]
        spoil(path, good, draw)
        with claims_go():
            if kind == "bets":
                return faults(["claims", "C202", "--predict"], "1\n")
            if kind == "add":
                return faults(["claims", "--add", "mine.py"])
            return faults(["claims", draw.choice(["MY1", "softmax", "C202"]), *draw.choice([[], ["--json"]])])

    return one


QUIZ = b"""
[[item]]
id = "doubling/twice"
kind = "choice"
level = 1
questions = ["002-q03"]
prompt = "What is twice two?"
explain = "Two and two are four."

[[item.option]]
text = "4"
correct = true

[[item.option]]
text = "5"
misconception = "one too many"
why = "Two and two are four, and not one more than that."
"""


def courses(place: Path) -> Callable[[random.Random], list[str]]:
    """A course of one topic, in a folder of its own each time."""
    numbers = iter(range(10**9))

    def one(draw: random.Random) -> list[str]:
        root = place / f"course{next(numbers)}"
        name = draw.choice(["course.toml", "numbers/doubling/quiz.toml", "numbers/doubling/lesson.py"])
        with made_up_course(root, COURSE, {"numbers/doubling": LESSON}):
            (root / "numbers/doubling/quiz.toml").write_bytes(QUIZ)
            spoil(root / name, (root / name).read_bytes(), draw)
            quiz = ["quiz", "doubling", "--answers", "-"]
            return faults(draw.choice([[], ["explain"], ["explain", "doubling", "--plain"], quiz]), "1\n")

    return one


def check_damaged_files(place: Path, patched: pytest.MonkeyPatch, count: int) -> None:
    found = []
    kinds = {
        "histories": histories(place), "checkpoints": checkpoints(place), "weights": weights(place, patched),
        "answers": answers(place), "stopped runs": stopped_runs(place, patched), "own files": own_files(place),
        "courses": courses(place),
    }  # fmt: skip
    for number in range(count):
        name = list(kinds)[number % len(kinds)]
        wrong = kinds[name](random.Random(f"{SEED} {number}"))
        found += [f"{number} ({name}): {fault}" for fault in wrong]
    assert not found, "\n".join(found)


TEXTS = ["", " ", "\x1b[31mred", "\u202eabc", "猫 は", "a\nb", "-", "--", "x" * 3000, "\ud800", "=", "0", "-1", "1e9",
         "nan", "softmax", "copy", "rope", "NUL", "../..", "/dev/null", "a=b", "d_k=x", "d_k=-1", "help"]  # fmt: skip
#: Names of files, settings and sizes, so that more is accepted than refused.
GOOD = ["p.png", "p.svg", "t.csv", "h.html", "m.npz", "mine.py", "rope", "reverse", "attention", "scaling", "C202", "1",
        "3", "1000000000000", "d_k=8", "d_k=8192", "pairs=1e7", "scale=none", "keys=7,7", "text", "n.md"]  # fmt: skip
#: so that what is accepted is quick
SHORT = {
    "explain": ["--step", "1"],
    "generate": ["--max-new", "1"],
    "train": ["--steps", "1"],
    "experiment": ["--set", "help"],
    "bench": ["--set", "help"],
    "quiz": ["--answers", "-"],
    "claims": ["--quick"],
    "gradcheck": ["dropout"],
    "export": ["markdown", "notation"],
}
#: Options that ask for a traceback, or for minutes.
LEFT_OUT = {"--debug", "--all"}


@cache
def options_of(command: str) -> dict[str, list[str]]:
    """option -> the words it knows, of which a flag takes none."""
    found = {}
    for parameter in load_all()[command].params if command in COMMANDS else ():
        known = [] if getattr(parameter, "is_flag", False) else [*getattr(parameter.type, "choices", ()), *GOOD]
        names = [*parameter.opts, *parameter.secondary_opts] if parameter.param_type_name == "option" else []
        found |= {name: [str(word) for word in known] for name in names if name not in LEFT_OUT}
    return found


def command_line(draw: random.Random) -> list[str]:
    command = draw.choice([*COMMANDS, *COMMANDS, "nonsense", ""])
    options = {"--json": [], "--show-completion": ["bash"], "--nothing": [], "-h": [], **options_of(command)}
    words = [command]
    for _ in range(draw.randrange(5)):
        if draw.random() < 0.6:
            option = draw.choice(sorted(options))
            words.append(option)
            words += [draw.choice(TEXTS if draw.random() < 0.5 else options[option])] if options[option] else []
        else:
            words.append(draw.choice(TEXTS if draw.random() < 0.6 else GOOD))
    return words + SHORT.get(command, [])


def check_arguments(count: int) -> None:
    found = []
    for number in range(count):
        words = command_line(random.Random(f"{SEED} {number}"))
        with claims_go():
            found += [f"{number} {words}: {fault}" for fault in faults(words, "1\n")]
    assert not found, "\n".join(found)


def test_every_command_and_every_option_is_tried():
    lines = [command_line(random.Random(f"{SEED} {number}")) for number in range(2000)]
    tried = {word for line in lines for word in line[1:]}
    assert {line[0] for line in lines} >= set(COMMANDS)
    assert {option for command in COMMANDS for option in options_of(command)} <= tried


def test_a_few_damaged_files(place, monkeypatch):
    check_damaged_files(place, monkeypatch, 42)


def test_a_few_odd_command_lines(place):
    check_arguments(60)


@pytest.mark.slow
def test_two_thousand_damaged_files(place, monkeypatch):
    check_damaged_files(place, monkeypatch, 2000)


@pytest.mark.slow
def test_two_thousand_odd_command_lines(place):
    check_arguments(2000)
