"""Two trainings of one name, private folders, and names that are refused before the work."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.cli.running import LAUNCH, environment, one_sentence, run
from tfx.io.npz import load


def test_trainings_that_end_together_are_all_kept(tmp_path):
    command = [sys.executable, "-c", LAUNCH, "train", "copy", "--steps", "2", "--json"]
    others = [[*command, "--out", "m.npz", "--seed", str(seed)] for seed in range(3)]
    running = [
        subprocess.Popen(words, cwd=tmp_path, env=environment(tmp_path / "home"), stdout=subprocess.DEVNULL)
        for words in others
    ]
    assert [one.wait(120) for one in running] == [1, 1, 1]
    assert sorted(load(path)[1]["seed"] for path in tmp_path.glob("*.npz")) == [0, 1, 2]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["m-2.npz", "m-3.npz", "m.npz"]


def test_a_name_that_is_too_long_is_refused_before_the_work(tmp_path):
    for words in (["train", "copy", "--out"], ["experiment", "scaling", "--plot"]):
        ran = run(*words, "x" * 260 + (".npz" if "train" in words else ".png"), home=tmp_path)
        assert ran.code == 3 and ran.out == "" and "File name too long" in one_sentence(ran)


def test_a_loop_of_links_is_refused_before_the_work(tmp_path):
    os.symlink("loop.npz", tmp_path / "loop.npz")
    ran = run("train", "copy", "--out", "loop.npz", home=tmp_path)
    assert ran.code == 3 and "steps 1" not in ran.err and "loop.npz" in one_sentence(ran)


def test_the_data_folder_is_the_readers_own(tmp_path):
    for words in (["train", "copy", "--steps", "1"], ["quiz", "scaling", "--answers", "-"]):
        home = tmp_path / words[0]
        run(*words, home=tmp_path, TFX_HOME=str(home))
        assert home.stat().st_mode & 0o777 == 0o700
