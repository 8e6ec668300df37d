"""Checkpoints and models from elsewhere: refused in one sentence that says why, before they take memory."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tfx.errors import BadInput
from tfx.io.checkpoint import load_checkpoint, save_checkpoint
from tfx.io.model_file import load_model, save_model
from tfx.io.npz import META, DamagedFile, load, save
from tfx.models import DecoderOnly
from tfx.optim import AdamW
from tfx.train import TaskRun, TaskSettings

SIZES = {"vocab": 7, "d_model": 8, "n_heads": 2, "d_ff": 16, "n_layers": 1, "max_len": 4, "seed": 1}


def model() -> DecoderOnly:
    return DecoderOnly(**SIZES)


def rewritten(path: Path, change, compress: int = zipfile.ZIP_STORED) -> Path:
    """The file with each entry's bytes changed: change(name, bytes) -> bytes."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compress) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def npy(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.lib.format.write_array(data, array, allow_pickle=False)
    return data.getvalue()


def with_meta(path: Path, **changed: object) -> Path:
    """The file with fields of its metadata changed; None takes one away."""

    def change(name: str, data: bytes) -> bytes:
        if name != f"{META}.npy":
            return data
        header = json.loads(np.lib.format.read_array(io.BytesIO(data)).tobytes())
        header["meta"] = {key: value for key, value in {**header["meta"], **changed}.items() if value is not None}
        return npy(np.frombuffer(json.dumps(header).encode(), dtype=np.uint8))

    return rewritten(path, change)


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    path = tmp_path / "c.npz"
    trained = model()
    save_checkpoint(path, trained, AdamW(trained), 3, {"settings": {}})
    return path


def test_a_packed_entry_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\0" * 50_000_000)
    with pytest.raises(DamagedFile, match=r"was not written by tfx: its entries are compressed\.$"):
        load(path)


def test_an_entry_may_not_be_larger_than_its_file(tmp_path, checkpoint):
    data = bytearray(checkpoint.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 20 : at + 28] = (2**31).to_bytes(4, "little") * 2
    checkpoint.write_bytes(bytes(data))
    with pytest.raises(DamagedFile):
        load(checkpoint)


@pytest.mark.parametrize("shape", ["(10000000000, 10000000000, 3)", "(4000000000,)", "(-1,)", "(2, 2)"])
def test_a_shape_that_its_entry_cannot_hold_makes_no_room(tmp_path, shape):
    path = tmp_path / "a.npz"
    save(path, {"a": np.zeros((3, 3))}, {})
    data = npy(np.zeros((3, 3)))
    head = data[10:128].replace(b"(3, 3)", shape.encode())[:118]
    changed = data[:10] + head.rstrip(b" \n").ljust(117) + b"\n" + data[128:]
    rewritten(path, lambda name, old: changed if name == "a.npy" else old)
    with pytest.raises(DamagedFile, match="is damaged or was not written by tfx"):
        load(path)


def test_words_instead_of_numbers_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    save(path, {"a": np.zeros(3)}, {})
    rewritten(path, lambda name, old: npy(np.array(["words"])) if name == "a.npy" else old)
    with pytest.raises(DamagedFile, match="it holds more than numbers and booleans"):
        load(path)


def test_a_pipe_is_no_file(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(BadInput, match="is no file, so there is nothing to load"):
        load(tmp_path / "pipe.npz")


WRONG = [None, "three", -1, 1.5, True, [], {}, 10**30]


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("field", ["steps", "seed"])
def test_a_number_of_a_checkpoint_is_one(checkpoint, field, value):
    trained = model()
    with pytest.raises(DamagedFile, match=f'is no whole checkpoint: what it says of "{field}" cannot be'):
        load_checkpoint(with_meta(checkpoint, **{field: value}), trained, AdamW(trained))


@pytest.mark.parametrize("field", ["optimizer", "meta", "kind"])
@pytest.mark.parametrize("value", [None, 3, [], "x"])
def test_metadata_of_any_type_gets_a_sentence(checkpoint, field, value):
    trained = model()
    with pytest.raises(DamagedFile) as caught:
        load_checkpoint(with_meta(checkpoint, **{field: value}), trained, AdamW(trained))
    assert caught.value.exit_code == 2 and caught.value.hint


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_nan_is_called_that(tmp_path, checkpoint, bad):
    arrays, meta = load(checkpoint)
    name = next(name for name in arrays if name.startswith("model/"))
    arrays[name].flat[0] = bad
    save(checkpoint, arrays, meta)
    trained = model()
    with pytest.raises(DamagedFile, match=re.escape(f"holds a NaN or an infinity, in {name}.")):
        load_checkpoint(checkpoint, trained, AdamW(trained))


@pytest.mark.parametrize(
    "config",
    [None, 3, [], {}, {"model": "DecoderOnly"}, {"model": "Nothing"}, {"model": []},
     {"model": "DecoderOnly", **SIZES, "d_model": 10**12}, {"model": "DecoderOnly", **SIZES, "vocab": "x"},
     {"model": "DecoderOnly", **SIZES, "n_heads": 0}, {"model": "DecoderOnly", **SIZES, "vocab": 8},
     {"model": "DecoderOnly", **SIZES, "max_len": 1.5}],
)  # fmt: skip
def test_a_model_that_cannot_be_rebuilt_gets_a_sentence(tmp_path, config):
    path = tmp_path / "m.npz"
    save_model(path, model(), {})
    with pytest.raises(DamagedFile) as caught:
        load_model(with_meta(path, config=config))
    assert caught.value.exit_code == 2 and str(path) in caught.value.message


@pytest.mark.parametrize("settings", [None, 3, [], "x", {"task": "sort"}, {"task": ["copy"]}])
def test_a_run_resumes_only_from_its_own_settings(tmp_path, settings):
    run = TaskRun(TaskSettings("copy", steps=3))
    run.save(tmp_path / "c.npz")
    with pytest.raises(BadInput) as caught:
        run.resume(with_meta(tmp_path / "c.npz", meta={"settings": settings}))
    assert "--" not in caught.value.hint
