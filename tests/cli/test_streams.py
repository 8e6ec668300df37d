"""Closed, full and unread streams: the exit codes of the contract, one sentence, and the work done or refused."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import LAUNCH, Ran, environment
from tfx.io.npz import load

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full and a shell")

CLOSED = (
    "tfx: standard output is closed, so there is nowhere to show the result; nothing was done.\n"
    "     Send it to a file: tfx ... > FILE\n"
)
FULL = "tfx: the disk is full, so the output was not written completely.\n     Free some space, then run it again.\n"
EVERY = ("--version", "-h", "", "explain", "systems rope", "quiz --stats --json", "--show-completion bash")


def in_shell(words: str, streams: str, home: Path) -> Ran:
    """`tfx words streams`, in bash; the exit code is that of tfx itself."""
    home.mkdir(exist_ok=True)
    launch = f"{shlex.quote(sys.executable)} -c {shlex.quote(LAUNCH)}"
    done = subprocess.run(
        ["bash", "-c", f"{launch} {words} {streams}; exit ${{PIPESTATUS[0]}}"],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("words", EVERY)
def test_output_that_goes_nowhere_ends_with_a_code_of_the_contract(words, tmp_path):
    assert in_shell(words, ">&-", tmp_path) == Ran(3, "", CLOSED)
    assert in_shell(words, ">/dev/full", tmp_path) == Ran(3, "", FULL)
    assert in_shell(words, "| true", tmp_path).code in (141, 0)
    assert in_shell(words, "| true", tmp_path).err == ""


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full"])
def test_without_stderr_remarks_are_lost_and_nothing_else(streams, tmp_path):
    assert in_shell("nonsense", streams, tmp_path) == Ran(2, "", "")
    assert in_shell("--version", streams, tmp_path).code == 0
    ran = in_shell("train copy --steps 2 --json --out m.npz", streams, tmp_path)
    assert ran.code == 1 and '"steps": 2' in ran.out and ran.err == ""
    assert load(tmp_path / "m.npz")[1]["steps"] == 2


def test_a_closed_stdout_trains_nothing(tmp_path):
    assert in_shell("train copy --steps 2 --out m.npz", ">&-", tmp_path) == Ran(3, "", CLOSED)
    assert not (tmp_path / "m.npz").exists()


def test_a_wrong_answer_and_an_unread_pipe_is_a_closed_pipe(tmp_path):
    assert in_shell("train copy --steps 2 --json", "2>&1 | true", tmp_path).code == 141


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path):
    """Otherwise what a library writes to descriptor 2 would stand in a file of the reader."""
    launch = "import os, sys; from tfx_cli.__main__ import main; main(['--version']); print(os.open('f', os.O_CREAT))"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(launch)} 2>&- <&-"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment(tmp_path), capture_output=True)
    assert int(done.stdout.split()[-1]) > 2


FULL_DISK = """
import errno, os, sys
from tfx_cli.__main__ import main
def full(*names): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
os.replace = os.link = full
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("words", "shown", "file"),
    [
        ("experiment saturation --quick --plain --csv t.csv", "experiment\tsaturation", "t.csv"),
        ("explain scaling --plain --step 1 --html h.html", "text\t", "h.html"),
        ("train copy --steps 2 --plain --out m.npz", "copy", "m.npz"),
    ],
)
def test_on_a_full_disk_what_was_measured_is_shown_first(words, shown, file, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *words.split()],
        cwd=tmp_path, env=environment(tmp_path / "home"), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 3 and shown in done.stdout, done
    assert "the disk is full" in done.stderr and file in done.stderr
    assert "saved\t" not in done.stdout and not (tmp_path / file).exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == []
