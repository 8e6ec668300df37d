"""Files a reader asked for: checked first, and whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tfx.errors import BadInput, EnvironmentProblem
from tfx_cli.render.files import require_writable, write_whole


def test_a_writable_path_passes_and_leaves_nothing(tmp_path):
    require_writable(tmp_path / "a.png", (".png",))
    require_writable(None)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_ending_is_bad_input_that_names_the_known_ones(tmp_path):
    with pytest.raises(BadInput, match=r"\.png, \.svg"):
        require_writable(tmp_path / "a.gif", (".png", ".svg"))


@pytest.mark.parametrize("name", ["no/folder/a.png", "folder", "file/a.png"])
def test_a_path_that_cannot_be_written_is_the_environments_problem(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EnvironmentProblem):
        require_writable(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(EnvironmentProblem, match="Permission denied"):
        require_writable(tmp_path / "a.png")


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    target = tmp_path / "a.csv"
    target.write_bytes(b"old")

    def full(*paths: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tfx_cli.render.files.os.replace", full)
    with pytest.raises(EnvironmentProblem, match="disk is full"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old" and [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_written_file_is_whole_and_has_usual_permissions(tmp_path):
    target = tmp_path / "a.csv"
    before = os.umask(0o022)
    try:
        write_whole(target, b"new")
    finally:
        os.umask(before)
    assert target.read_bytes() == b"new" and target.stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_device_is_written_and_never_replaced():
    with pytest.raises(EnvironmentProblem, match="disk is full"):
        write_whole(Path("/dev/full"), b"new")
    assert not Path("/dev/full").is_file()
