"""Models and checkpoints as files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.io.checkpoint import load_checkpoint, save_checkpoint
from tfx.io.model_file import load_model, save_model
from tfx.io.npz import DamagedFile, save
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.optim import SGD, AdamW

SIZE: dict[str, Any] = {"d_model": 8, "n_heads": 2, "d_ff": 8, "n_layers": 1}
IDS = np.random.default_rng(0).integers(7, size=(2, 5))


@pytest.mark.parametrize("kind", [Encoder, DecoderOnly, EncoderDecoder])
def test_a_loaded_model_says_what_the_saved_one_said(tmp_path, kind):
    model = kind(7, norm_place="post", positions="learned", seed=3, **SIZE)
    model.parameters()["embedding.table"].value += 1  # trained away from what the seed gives
    save_model(tmp_path / "m.npz", model, {"task": "copy"})
    again, meta = load_model(tmp_path / "m.npz")
    assert type(again) is kind and meta == {"task": "copy"} and again.config == model.config
    inputs = (IDS, IDS) if kind is EncoderDecoder else (IDS,)
    np.testing.assert_array_equal(model.forward(*inputs)[0], again.forward(*inputs)[0])


@pytest.mark.parametrize(("storage", "digits"), [("float16", 2**-11), ("float32", 2**-24), ("float64", 0.0)])
def test_values_are_kept_to_the_precision_of_the_storage(tmp_path, storage, digits):
    model = Encoder(7, dtype="float64", **SIZE)
    save_model(tmp_path / "m.npz", model, {}, storage=storage)
    again, _ = load_model(tmp_path / "m.npz")
    for name, value in model.state().items():
        loaded = again.state()[name]
        assert loaded.dtype.name == "float64"
        assert (
            (abs(loaded - value) <= digits * abs(value) + 2.0**-25).all() if digits else np.array_equal(loaded, value)
        )


def test_half_precision_halves_the_file(tmp_path):
    model = Encoder(500, **SIZE | {"d_model": 64})
    for storage in ("float16", "float32"):
        save_model(tmp_path / storage, model, {}, storage=storage)
    small, large = ((tmp_path / storage).stat().st_size for storage in ("float16", "float32"))
    assert small < 0.55 * large


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_loads_into_the_dtype_that_is_asked_for(tmp_path, dtype):
    save_model(tmp_path / "m.npz", Encoder(7, **SIZE), {}, storage="float16")
    model, _ = load_model(tmp_path / "m.npz", dtype=dtype)
    assert model.forward(IDS)[0].dtype.name == dtype and model.config["dtype"] == dtype


def test_values_that_the_storage_cannot_hold_are_refused(tmp_path):
    model = Encoder(7, **SIZE)
    model.parameters()["embedding.table"].value[0, 0] = 1e5
    with pytest.raises(ValueError, match=r"embedding\.table"):
        save_model(tmp_path / "m.npz", model, {}, storage="float16")
    with pytest.raises(ValueError, match="storage"):
        save_model(tmp_path / "m.npz", model, {}, storage="int8")


def test_files_of_another_kind_or_model_are_told_apart(tmp_path):
    model = Encoder(7, **SIZE)
    save_model(tmp_path / "m.npz", model, {})
    save_checkpoint(tmp_path / "c.npz", model, AdamW(model), 0, {})
    with pytest.raises(DamagedFile, match="not a model"):
        load_model(tmp_path / "c.npz")
    with pytest.raises(DamagedFile, match="not a training checkpoint"):
        load_checkpoint(tmp_path / "m.npz", model, AdamW(model))
    with pytest.raises(DamagedFile, match="not SGD"):
        load_checkpoint(tmp_path / "c.npz", model, SGD(model))
    other = Encoder(9, **SIZE)
    with pytest.raises(DamagedFile, match="another model"):
        load_checkpoint(tmp_path / "c.npz", other, AdamW(other))


def test_a_config_that_builds_no_model_is_damage(tmp_path):
    save(tmp_path / "m.npz", {}, {"kind": "model", "config": {"model": "Oracle"}, "meta": {}})
    with pytest.raises(DamagedFile, match="Oracle"):
        load_model(tmp_path / "m.npz")
