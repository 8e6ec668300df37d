"""What goes wrong ends in one clear sentence, the right exit code, and nothing lost."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import LAUNCH, ROOT, environment, one_sentence, run

ON_LINUX = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a Linux device")


# What was typed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_an_empty_text_is_refused(tmp_path, text):
    ran = run("explain", "attention", "--text", text, home=tmp_path)
    assert ran.code == 2 and ran.out == ""
    assert "--text" in one_sentence(ran)


def test_a_text_of_ten_thousand_tokens_is_refused_with_the_limit(tmp_path):
    ran = run("explain", "attention", "--text", "cat " * 10_000, home=tmp_path)
    assert ran.code == 2 and ran.out == ""
    sentence = one_sentence(ran)
    assert "longer than 128 tokens" in sentence and len(sentence) < 400


@pytest.mark.parametrize("command", ["explain attention", "experiment scaling", "gradcheck", "train copy"])
@pytest.mark.parametrize("seed", ["x", "1.5", "-1", ""])
def test_a_seed_that_is_no_whole_number_is_refused(tmp_path, command, seed):
    ran = run(*command.split(), "--seed", seed, home=tmp_path)
    assert ran.code == 2 and ran.out == ""
    assert "--seed" in one_sentence(ran)


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("explain atention", "attention"),
        ("experiment scalling", "scaling"),
        ("gradcheck sofmax", "softmax"),
        ("train revers", "reverse"),
        ("quiz atention --answers -", "attention"),
        ("experimnt", "experiment"),
        ("experiment scaling --set pair=3", "pairs"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_one(tmp_path, typed, nearest):
    ran = run(*typed.split(), home=tmp_path)
    assert ran.code == 2 and ran.out == ""
    assert f'Did you mean "{nearest}' in one_sentence(ran)


def test_a_name_near_nothing_still_gets_the_command_that_lists_them(tmp_path):
    ran = run("experiment", "zzzzzz", home=tmp_path)
    assert ran.code == 2
    assert "Did you mean" not in ran.err and "tfx experiment" in one_sentence(ran)


@pytest.mark.parametrize(
    "typed",
    [
        "experiment scaling --json --plain",
        "experiment scaling --plot scaling.gif",
        "experiment scaling --set mean",
        "experiment scaling --set mean=much",
        "explain attention --step 0",
        "explain attention --step 99",
        "train copy --steps 0",
        "train copy --positions circular",
        "quiz --count x",
        "--no-such-option",
        "doctor extra",
    ],
)
def test_other_wrong_words_exit_2_with_one_sentence(tmp_path, typed):
    ran = run(*typed.split(), home=tmp_path)
    assert ran.code == 2 and ran.out == ""
    one_sentence(ran)


# Where it should be written -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["experiment saturation --quick", "train copy --steps 2"])
@pytest.mark.parametrize("path", ["no/such/folder/plot.png", "file/plot.png", "folder.png"])
def test_a_plot_path_that_cannot_be_written_is_told_before_the_work(tmp_path, command, path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    (tmp_path / "folder.png").mkdir()
    ran = run(*command.split(), "--plot", path, home=tmp_path)
    assert ran.code == 3 and ran.out == ""
    assert Path(path).name in one_sentence(ran) or Path(path).parts[0] in ran.err


@ON_LINUX
@pytest.mark.parametrize("command", ["experiment saturation --quick --json", "explain attention --plain", "-h"])
def test_a_full_disk_behind_stdout_is_one_sentence(tmp_path, command):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", LAUNCH, *command.split()],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode == 3
    told = done.stderr.decode()
    assert "disk is full" in told and "Traceback" not in told and "Exception ignored" not in told
    assert len(told.splitlines()) <= 2


@ON_LINUX
@pytest.mark.parametrize("command", ["experiment saturation --quick --plot", "train copy --steps 2 --out"])
def test_a_disk_that_fills_up_keeps_the_old_file(tmp_path, command):
    """A limit on file sizes stops the write half-way, as a full disk would."""
    target = tmp_path / ("old.png" if "--plot" in command else "old.npz")
    target.write_bytes(b"the old one")
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, *command.split(), str(target)],
        cwd=tmp_path,
        env=environment(tmp_path / "home"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )
    told = done.stderr.decode()
    assert done.returncode == 3, told
    new = "old.png" if "--plot" in command else "old-2.npz"  # a model is never written over another file
    assert f"{new}:" in told.replace('"', "") and "Traceback" not in told
    assert target.read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == [target.name]


def test_a_damaged_history_is_set_aside_and_the_quiz_goes_on(tmp_path):
    garbage = b"not a database, but the reader's only copy" * 50
    (tmp_path / "state.sqlite3").write_bytes(garbage)
    looked = run("quiz", "--stats", home=tmp_path)
    assert looked.code == 0 and "Traceback" not in looked.err
    assert "damaged" in looked.err
    asked = run("quiz", "attention", "--count", "1", "--answers", "-", home=tmp_path, stdin="1\n")
    assert asked.code in (0, 1, 2), asked  # 1 may be right, wrong, or no answer to the question that comes first
    assert "set aside" in asked.err and "Traceback" not in asked.err
    kept = [path for path in tmp_path.iterdir() if path.read_bytes() == garbage]
    assert len(kept) == 1 and kept[0].name != "state.sqlite3"


@pytest.mark.parametrize("command", ["", "explain attention --step 1", "experiment saturation --quick --json"])
def test_commands_that_keep_no_history_do_not_need_the_data_folder(tmp_path, command):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    ran = run(*command.split(), home=tmp_path, TFX_HOME=str(tmp_path / "file" / "data"))
    assert ran.code == 0, ran
    assert "Traceback" not in ran.err


# Who listens ----------------------------------------------------------------------------------------------------------


def test_a_quiz_without_a_terminal_names_the_flag_for_answers(tmp_path):
    ran = run("quiz", home=tmp_path)
    assert ran.code == 2
    assert "--answers" in one_sentence(ran)


def test_predict_without_a_terminal_does_not_wait_for_anybody(tmp_path):
    ran = run("explain", "attention", "--predict", home=tmp_path)
    assert ran.code in (0, 2) and "Traceback" not in ran.err


def test_a_walkthrough_without_a_terminal_prints_every_step(tmp_path):
    ran = run("explain", "scaling-variance", home=tmp_path)
    assert ran.code == 0
    steps = int(ran.out.split("1/", 1)[1].split()[0])
    assert all(f"{number}/{steps}" in ran.out for number in range(1, steps + 1))


def close_after_one_line(command: str, home: Path) -> tuple[int, bytes, bytes]:
    """`tfx command | head -1`: returns the exit code, that line, and stderr."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, *command.split()],
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout and process.stderr
    line = process.stdout.readline()
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    return process.wait(timeout=60), line, told


@pytest.mark.parametrize("command", ["experiment masking --quick", "explain attention", "gradcheck softmax --json"])
def test_a_closed_pipe_ends_quietly(tmp_path, command):
    code, line, told = close_after_one_line(command, tmp_path)
    assert line.strip()
    assert code in (0, 141) and b"Traceback" not in told and b"Broken" not in told and b"ignored" not in told


# Ctrl-C ---------------------------------------------------------------------------------------------------------------


def start_training(home: Path, *words: str) -> subprocess.Popen[bytes]:
    """Starts `tfx train` and returns when it has told that it trains."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, "train", *words],
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    told = process.stderr.readline()
    assert b"Ctrl-C" in told, told + process.stderr.read()
    return process


def test_ctrl_c_in_training_saves_a_checkpoint_and_says_how_to_go_on(tmp_path):
    process = start_training(tmp_path, "copy", "--steps", "100000", "--out", "copy.npz")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert b"Traceback" not in err and out == b""
    assert b"tfx train copy" in err and b"--resume" in err
    assert (tmp_path / "copy.npz").is_file()


def test_a_resumed_run_ends_like_one_that_was_never_stopped(tmp_path):
    words = ("copy", "--steps", "120", "--seed", "3", "--json")
    process = start_training(tmp_path, *words, "--out", "stopped.npz")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, "the run must be stopped before its end"
    resumed = run("train", *words, "--out", "stopped.npz", "--resume", home=tmp_path)
    whole = run("train", *words, "--out", "whole.npz", home=tmp_path)
    assert resumed.code == whole.code, (resumed, whole)
    first, second = json.loads(resumed.out), json.loads(whole.out)
    assert 0 < first["resumed_at"] < 120 and second["resumed_at"] == 0, err
    for key in ("accuracy", "steps", "solved"):
        assert first[key] == second[key], key
    assert first["rows"][-1]["loss"] == second["rows"][-1]["loss"]
    assert (tmp_path / "stopped.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_the_checkout_stays_clean():
    """No test of this file writes beside the code."""
    assert not [name for name in os.listdir(ROOT) if name.endswith((".png", ".npz", ".svg"))]
