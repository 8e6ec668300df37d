"""Files: what was saved comes back; what is not ours, or not whole, is told apart; the old file survives."""

from __future__ import annotations

import errno
import io
import math
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tfx.errors import BadInput, EnvironmentProblem, TfxError
from tfx.io import npz
from tfx.io.npz import DamagedFile, load, save

ARRAYS = {
    "blocks.0.w": np.arange(6.0).reshape(2, 3),
    "half": np.array([0.5, -2.0], dtype="float16"),
    "ids": np.array([3, -1]),
    "mask": np.array([True, False]),
    "scalar": np.array(2.5, dtype="float32"),
    "empty": np.empty((0, 4)),
    "file": np.array([1]),
    "strided": np.arange(12.0).reshape(3, 4).T,
}
META = {"text": 'quote " and umlaut \u00e4', "numbers": [1, 2.5], "nothing": None, "nested": {"a": True}}


def test_arrays_and_metadata_come_back_as_they_were(tmp_path):
    save(tmp_path / "a.npz", ARRAYS, META)
    arrays, meta = load(tmp_path / "a.npz")
    assert meta == META and list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_numpy_alone_can_read_the_file_without_pickle(tmp_path):
    save(tmp_path / "a.npz", {"x": np.arange(3)}, {})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["x"], np.arange(3))


def test_equal_content_gives_equal_bytes(tmp_path):
    save(tmp_path / "a.npz", ARRAYS, META)
    save(tmp_path / "b.npz", ARRAYS, dict(reversed(META.items())))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_what_would_need_pickle_or_is_no_json_is_refused(tmp_path):
    with pytest.raises(TypeError, match="object"):
        save(tmp_path / "a.npz", {"x": np.array([{}])}, {})
    with pytest.raises(ValueError, match="JSON"):
        save(tmp_path / "a.npz", {}, {"loss": math.nan})
    with pytest.raises(ValueError, match="__meta__"):
        save(tmp_path / "a.npz", {"__meta__": np.zeros(1)}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_told_apart_from_a_damaged_one(tmp_path):
    with pytest.raises(BadInput, match="there is no file") as caught:
        load(tmp_path / "none.npz")
    assert not isinstance(caught.value, DamagedFile)


def foreign_files() -> dict[str, bytes]:
    plain, pickled, no_zip = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez(plain, x=np.arange(3))
    np.savez(pickled, x=np.array([{}], dtype=object))
    with zipfile.ZipFile(no_zip, "w") as archive:
        archive.writestr("readme.txt", "hello")
    meta = io.BytesIO()
    np.savez(meta, __meta__=np.frombuffer(b'{"format": "other", "version": 1, "meta": {}}', dtype=np.uint8))
    listed = io.BytesIO()
    np.savez(listed, __meta__=np.frombuffer(b"[1, 2]", dtype=np.uint8))
    return {
        "empty": b"",
        "text": b"not a zip at all",
        "plain npz": plain.getvalue(),
        "pickled npz": pickled.getvalue(),
        "other zip": no_zip.getvalue(),
        "other format": meta.getvalue(),
        "metadata that is a list": listed.getvalue(),
    }


@pytest.mark.parametrize("name", foreign_files())
def test_a_foreign_file_is_one_clear_error(tmp_path, name):
    path = tmp_path / "x.npz"
    path.write_bytes(foreign_files()[name])
    with pytest.raises(DamagedFile, match="damaged or was not written by tfx") as caught:
        load(path)
    assert caught.value.hint and caught.value.exit_code == 2


def test_a_later_version_is_refused_by_number(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "VERSION", 2)
    save(tmp_path / "a.npz", {}, {})
    monkeypatch.undo()
    with pytest.raises(DamagedFile, match="version 2"):
        load(tmp_path / "a.npz")


def test_a_file_cut_short_anywhere_is_damaged(tmp_path):
    path = tmp_path / "a.npz"
    save(path, {"x": np.arange(5.0)}, META)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedFile):
            load(path)


def test_one_changed_byte_is_found_or_harmless_but_never_another_value(tmp_path):
    path = tmp_path / "a.npz"
    x = np.arange(5.0)
    save(path, {"x": x}, META)
    whole = path.read_bytes()
    found = 0
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x15
        path.write_bytes(bytes(changed))
        try:
            arrays, meta = load(path)
        except TfxError:
            found += 1
        else:
            assert meta == META and all(np.array_equal(array, x) for array in arrays.values())
    assert found > len(whole) / 2


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    save(path, {"x": np.arange(3)}, {"old": True})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentProblem, match=r"disk is full.*unchanged"):
        save(path, {"x": np.arange(4)}, {})
    assert load(path)[1] == {"old": True}
    assert os.listdir(tmp_path) == ["a.npz"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_that_is_really_full_is_told(tmp_path, monkeypatch):
    real = os.fdopen

    def into_the_full_device(handle: int, mode: str):
        os.close(handle)
        return real(os.open("/dev/full", os.O_WRONLY), mode, buffering=0)

    monkeypatch.setattr(os, "fdopen", into_the_full_device)
    with pytest.raises(EnvironmentProblem, match="disk is full"):
        save(tmp_path / "a.npz", {"x": np.arange(4)}, {})
    assert os.listdir(tmp_path) == []


def test_ctrl_c_while_writing_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    save(path, {}, {"old": True})

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(path, {"x": np.arange(4)}, {})
    assert load(path)[1] == {"old": True} and os.listdir(tmp_path) == ["a.npz"]


def test_a_folder_that_is_not_there_is_an_environment_problem(tmp_path):
    with pytest.raises(EnvironmentProblem, match="cannot write"):
        save(tmp_path / "none" / "a.npz", {}, {})
    with pytest.raises(EnvironmentProblem, match="cannot read"):
        load(tmp_path)


def test_the_file_has_the_mode_of_an_ordinary_file(tmp_path):
    save(tmp_path / "a.npz", {}, {})
    (tmp_path / "b").touch()
    assert (tmp_path / "a.npz").stat().st_mode == (tmp_path / "b").stat().st_mode
