"""Damaged files and odd command lines of a given seed: one of the contract's exit codes, a sentence, nothing raw.

No traceback, no "this should not happen", no control character, no hang.  The whole campaign is marked slow.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import signal
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.running import TERMINAL_VARIABLES
from tfx.shipped import load as shipped
from tfx_cli.__main__ import main
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.state import open_to_write
from tfx_cli.learner.state_file import state_path

CODES = {0, 1, 2, 3}
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]")
#: seconds that one command may take on a busy machine
LONGEST = 60
#: another one: FUZZ_SEED=7 pytest -m slow tests/cli/test_fuzz.py
SEED = int(os.environ.get("FUZZ_SEED", "20261"))


class Hang(BaseException):
    """Not to be caught by the command."""


def stop(number: int, frame: object) -> None:
    raise Hang


def faults(words: list[str], stdin: str = "") -> list[str]:
    """What is wrong with how this command ends, in this process."""
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
    found += [word for word in ("Traceback", "should not happen", "Warning") if word in said + out.getvalue()]
    found += ["raw control character"] if RAW.search(said + out.getvalue()) else []
    found += ["no sentence"] if code in (2, 3) and "--json" not in words and not said.startswith("tfx: ") else []
    return [f"{fault}: {said[-300:]}" for fault in found]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    for name in TERMINAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Changed in one of the ways of disks, copies and editors."""
    changed = bytearray(data)
    size = len(changed)
    kind = draw.randrange(7)
    if kind == 0:
        return bytes(changed[: draw.randrange(size + 1)])
    if kind == 1:
        start = draw.randrange(size)
        return bytes(changed[:start] + bytes(draw.randrange(1, 4097)) + changed[start:])
    if kind == 2:
        start = draw.randrange(size) // 4096 * 4096
        changed[start : start + 4096] = draw.randbytes(len(changed[start : start + 4096]))
    elif kind == 3:
        start, end = sorted((draw.randrange(size), draw.randrange(size)))
        changed[start:end] = bytes(end - start)
    elif kind == 4:
        return draw.randbytes(draw.choice((0, 1, 100, 5000)))
    else:
        for _ in range(1 if kind == 5 else draw.randrange(2, 40)):
            changed[draw.randrange(min(size, 4096) if draw.random() < 0.5 else size)] = draw.randrange(256)
    return bytes(changed)


VALUES = [None, True, -1, 0, 10**30, 1.5, "x", "\x1b[2J", [], {}, [1], {"task": "copy"}, "é" * 50]


def other_metadata(path: Path, draw: random.Random) -> None:
    """One value of the JSON inside an .npz changed, or taken away."""
    import numpy as np

    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(np.lib.format.read_array(io.BytesIO(entries["__meta__.npy"])).tobytes())
    at = header
    while True:
        key = draw.choice(sorted(at))
        if isinstance(at[key], dict) and at[key] and draw.random() < 0.7:
            at = at[key]
            continue
        if draw.random() < 0.3:
            del at[key]
        else:
            at[key] = draw.choice(VALUES)
        break
    data = io.BytesIO()
    np.lib.format.write_array(data, np.frombuffer(json.dumps(header).encode(), dtype=np.uint8))
    entries["__meta__.npy"] = data.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)


def spoil(path: Path, good: bytes, draw: random.Random) -> None:
    path.write_bytes(good)
    if path.suffix == ".npz" and draw.random() < 0.6:
        other_metadata(path, draw)
    else:
        path.write_bytes(damaged(good, draw))


def histories(place: Path) -> Callable[[random.Random], list[str]]:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with open_to_write() as state:
        state.connection.execute("PRAGMA synchronous = OFF")
        for n in range(60):
            answer = Answer(f"softmax-attention/{n % 9}", n, "1", True, 1.0, 3, "", start + timedelta(hours=n), 2.0)
            state.record_answer(answer)
    good = state_path().read_bytes()

    def one(draw: random.Random) -> list[str]:
        for path in state_path().parent.iterdir():
            path.unlink()
        state_path().write_bytes(damaged(good, draw))
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
        (place / "a.txt").write_bytes(damaged(data + b"\n", draw) if draw.random() < 0.3 else data)
        face = draw.choice([[], ["--plain"], ["--json"]])
        return faults(["quiz", draw.choice(["scaling", "softmax"]), "--seed", "1", "--answers", "a.txt", *face])

    return one


def check_damaged_files(place: Path, patched: pytest.MonkeyPatch, count: int) -> None:
    draw = random.Random(SEED)
    found = []
    for kind in (histories(place), checkpoints(place), weights(place, patched), answers(place)):
        for number in range(count // 4):
            found += [(kind.__qualname__, number, fault) for fault in kind(draw)]
    assert not found, found[:10]


TEXTS = ["", " ", "\x1b[31mred", "\u202eabc", "猫 は", "a\nb", "-", "--", "x" * 3000, "\ud800", "=", "0", "-1", "1e9",
         "nan", "softmax", "copy", "rope", "NUL", "../..", "/dev/null", "a=b", "d_k=x", "d_k=-1", "help"]  # fmt: skip
COMMANDS = ["explain", "quiz", "systems", "generate", "train", "experiment", "bench", "gradcheck", "nonsense", ""]
OPTIONS = ["--json", "--plain", "--seed", "--set", "--text", "--step", "--plot", "--html", "--csv", "--prompt", "--out",
           "--resume", "--answers", "--count", "--level", "--color", "--device", "--top-p", "--lesson", "-h", "--try",
           "--nothing", "--show-completion", "--positions", "--temperature", "--stats"]  # fmt: skip
#: so that what is accepted is quick
SHORT = {
    "explain": ["--step", "1"],
    "generate": ["--max-new", "1"],
    "train": ["--steps", "1"],
    "experiment": ["--set", "help"],
    "bench": ["--set", "help"],
    "quiz": ["--answers", "-"],
    "gradcheck": ["nothing_of_that_name"],
}


def check_arguments(count: int) -> None:
    draw = random.Random(SEED)
    found = []
    for number in range(count):
        command = draw.choice(COMMANDS)
        words = [command]
        for _ in range(draw.randrange(5)):
            words.append(draw.choice(OPTIONS) if draw.random() < 0.5 else draw.choice(TEXTS))
        words += SHORT.get(command, [])
        found += [(number, words, fault) for fault in faults(words)]
    assert not found, found[:10]


def test_a_few_damaged_files(place, monkeypatch):
    check_damaged_files(place, monkeypatch, 40)


def test_a_few_odd_command_lines(place):
    check_arguments(60)


@pytest.mark.slow
def test_two_thousand_damaged_files(place, monkeypatch):
    check_damaged_files(place, monkeypatch, 2000)


@pytest.mark.slow
def test_two_thousand_odd_command_lines(place):
    check_arguments(2000)
