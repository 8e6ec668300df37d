"""A file is there whole or as it was, at every moment of its saving, with its rights and behind its link."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tfx.io.npz import load, save
from tfx.io.whole_file import STALE, whole_file

ROOT = Path(__file__).resolve().parents[2]


def put(path: Path, data: bytes, new: bool = False) -> None:
    with whole_file(path, new) as file:
        file.write(data)


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    put(path, b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:
        file.write(b"half" * (1 // 0))
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_rights_are_kept(tmp_path):
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "a", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    put(link, b"new")
    assert link.is_symlink() and real.read_bytes() == b"new" and real.stat().st_mode & 0o777 == 0o600
    before = os.umask(0o027)
    try:
        put(tmp_path / "b", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o640


def test_a_name_that_is_taken_is_not_written_over(tmp_path):
    put(tmp_path / "a", b"mine", new=True)
    with pytest.raises(FileExistsError):
        put(tmp_path / "a", b"yours", new=True)
    with pytest.raises(FileExistsError):
        save(tmp_path / "a", {"x": np.zeros(2)}, {}, new=True)
    assert (tmp_path / "a").read_bytes() == b"mine" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("length", [200, 241, 255])
def test_a_name_may_be_as_long_as_the_system_allows(tmp_path, length):
    put(tmp_path / ("x" * length), b"data")
    put(tmp_path / ("猫" * (length // 3)), b"data")
    assert all(path.read_bytes() == b"data" for path in tmp_path.iterdir())


def test_what_a_killed_process_left_is_swept_and_nothing_of_others(tmp_path):
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    old = time.time() - STALE - 60
    dead, running = f".a.{done.pid}.abc_1.part", f".a.{os.getpid()}.abc_2.part"
    others = [running, f".ab.{done.pid}.abc.part", ".a.txt.part", "a.part", f".a.{done.pid}.part.txt"]
    for name in (dead, *others):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (old, old))
    (tmp_path / f".a.{done.pid}.fresh.part").write_bytes(b"")
    put(tmp_path / "a", b"data")
    assert {path.name for path in tmp_path.iterdir()} == {"a", *others, f".a.{done.pid}.fresh.part"}


SAVE = "import sys, numpy; from tfx.io.npz import save; save(sys.argv[1], {'x': numpy.full(20000, 2.0)}, {}, %s)"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("new", [False, True])
def test_a_kill_at_any_system_call_of_a_save_leaves_a_whole_file(tmp_path, new):
    path = tmp_path / "a.npz"
    kills = 0
    for call in ("rename,renameat,renameat2", "link,linkat", "fsync", "chmod,fchmod,fchmodat", "unlink,unlinkat"):
        for number in range(1, 30):
            for left in tmp_path.iterdir():
                left.unlink()
            if not new:
                save(path, {"x": np.full(20000, 1.0)}, {})
            kill = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
            done = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", *kill, sys.executable, "-c", SAVE % new, str(path)],
                env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
            )  # fmt: skip
            if done.returncode == 0:
                break
            kills += 1
            assert new or path.exists(), (call, number)
            if path.exists():
                assert load(path)[0]["x"][0] in (1.0, 2.0), (call, number)
    assert kills >= 3
