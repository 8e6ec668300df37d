"""`make weights` as it is typed: it says how far it is, and leaves the shipped weights alone in a rehearsal."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tfx_cli import make_weights


def test_only_trains_what_was_asked_for(tmp_path):
    make_weights.main(["--quick", "--only", "plain", "--out", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["plain.npz"]


def test_a_quick_run_does_not_touch_the_shipped_weights(capsys):
    with pytest.raises(SystemExit) as stopped:
        make_weights.main(["--quick"])
    assert stopped.value.code == 2 and "--out" in capsys.readouterr().err


def test_lines_of_the_training_processes_arrive_and_stdout_stays_empty(tmp_path):
    arguments = ["-m", "tfx_cli.make_weights", "--quick", "--only", "language", "--out", str(tmp_path)]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == ""
    assert "language: step 4 of 4, loss" in done.stderr and "language: held-out: n " in done.stderr
    assert done.stderr.splitlines()[-1].startswith("done in ")
