"""Asked to end, stopped and continued: work is kept or said to be lost, and the terminal is as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from tests.cli.explaining.walked import walking
from tests.cli.pseudo_terminal import COLOR, Terminal, command
from tests.cli.running import LAUNCH, environment, run
from tfx_cli.terminal.interrupt import asked_to_stop, ended_as_by_ctrl_c

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
ENDING = [signal.SIGTERM, signal.SIGHUP]


def training(home: Path, *words: str, ignored: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    """`tfx train copy words`, which has told that it trains."""

    def ignore() -> None:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, "train", "copy", *words],
        cwd=home, env=environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=ignore,
    )  # fmt: skip
    assert process.stderr is not None
    assert b"Ctrl-C stops and saves" in process.stderr.readline()
    return process


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("ignored", [(), (signal.SIGINT,)])
def test_training_that_is_asked_to_end_is_saved_and_says_how_to_go_on(number, ignored, tmp_path):
    process = training(tmp_path, "--steps", "100000", "--out", "copy.npz", ignored=ignored)
    if ignored:
        process.send_signal(signal.SIGINT)  # of a background job: Ctrl-C is for somebody else
        time.sleep(0.3)
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    lines = err.decode().splitlines()
    assert process.returncode == 130 and out == b"", err
    assert lines[0].startswith("tfx: stopped after step ") and lines[0].endswith(" of 100000; saved copy.npz")
    assert lines[1:] == ["     Go on: tfx train copy --steps 100000 --resume --out copy.npz"]
    asked = run("train", "copy", "--try", "123", "--out", "copy.npz", "--json", home=tmp_path)
    assert asked.code == 0 and json.loads(asked.out)["steps"] == int(lines[0].split()[4])


def test_a_training_that_is_killed_leaves_what_was_saved_and_goes_on_to_the_same_bits(tmp_path):
    words = ["--steps", "60", "--out", "copy.npz"]
    process = training(tmp_path, *words)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    saved = (tmp_path / "copy.npz").read_bytes()
    process = training(tmp_path, *words, "--resume")
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.npz")} == {"copy.npz": saved}
    run("train", "copy", *words, "--resume", home=tmp_path)
    run("train", "copy", "--steps", "60", "--out", "whole.npz", home=tmp_path)
    assert (tmp_path / "copy.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes() != saved


def test_who_wants_it_to_outlive_the_terminal_gets_that(tmp_path):
    process = training(tmp_path, "--steps", "40", "--out", "copy.npz", ignored=(signal.SIGHUP,))
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode in (0, 1) and (tmp_path / "copy.npz").exists()


def test_stopped_and_continued_it_trains_to_the_same_bits(tmp_path):
    process = training(tmp_path, "--steps", "60", "--out", "stopped.npz")
    for _ in range(4):
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
    process.communicate(timeout=60)
    run("train", "copy", "--steps", "60", "--out", "whole.npz", home=tmp_path)
    assert (tmp_path / "stopped.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("at", ["key", "question", "page", "quiz"])
def test_a_terminal_that_is_asked_to_end_is_left_as_it_was(number, at, tmp_path):
    if at in ("key", "question"):
        terminal = walking(tmp_path, "counting", "--from", "a_guess" if at == "question" else "the_words")
    else:
        words = "explain softmax --lesson" if at == "page" else "quiz softmax --count 2"
        terminal = Terminal(tmp_path, command(words), **COLOR)
    with terminal:
        terminal.press(b"", b"> " if at in ("question", "quiz") else b"q leave ")
        terminal.interrupt(number)
        if at in ("key", "question"):
            terminal.press(b"", b"come back: tfx explain counting --from ")
        assert terminal.exit_code() == 130


def test_after_a_stop_keys_need_no_enter_and_are_not_shown(tmp_path):
    with walking(tmp_path, "counting", "--no-predict") as terminal:
        terminal.screen(b"")
        terminal.child.send_signal(signal.SIGSTOP)
        os.waitpid(terminal.child.pid, os.WUNTRACED)
        termios.tcsetattr(terminal.file, termios.TCSANOW, terminal.before)  # as the shell sets it for itself
        terminal.child.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        assert terminal.screen(b"g", b"lists) > ")[-1] == "  go to (number or name, ? lists) > "
        terminal.press(b"\x04", b"come back: ")
        assert terminal.exit_code() == 0


def test_handlers_are_put_back_and_another_thread_sets_none():
    before = [signal.getsignal(number) for number in (signal.SIGINT, *ENDING)]
    with ended_as_by_ctrl_c(), asked_to_stop() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(number) for number in (signal.SIGINT, *ENDING)] == before
    said = []

    def elsewhere() -> None:
        with ended_as_by_ctrl_c(), asked_to_stop() as stop:
            said.append(stop())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert said == [False]
