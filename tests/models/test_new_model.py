"""A new model is one new file: it is known before it is imported, and its settings are checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfx import models
from tfx.io.model_file import load_model, save_model

SOURCE = (Path(__file__).parents[1] / "newcomers" / "model.py").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "adder.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    yield tmp_path
    vars(models).pop("Adder", None)
    sys.modules.pop("tfx.models.adder", None)


def test_a_model_file_that_is_dropped_in_is_built_saved_and_loaded(folder):
    assert "Adder" in models.MODELS and "AdderCache" not in models.HOMES
    assert "tfx.models.adder" not in sys.modules, "it is known before it is imported"
    model = models.build({"model": "Adder", "width": 4, "seed": 2})
    assert model.config == {"model": "Adder", "width": 4, "seed": 2, "dtype": "float32"}
    save_model(folder / "saved.npz", model, {})
    again, _ = load_model(folder / "saved.npz")
    assert again.settings == model.settings
    np.testing.assert_array_equal(again.forward(np.ones(4))[0], model.forward(np.ones(4))[0])
    with pytest.raises(TypeError, match=r"AdderSettings has no setting 'witdh'; did you mean width\?"):
        models.Adder(witdh=4)


def test_without_the_file_there_is_no_such_model():
    with pytest.raises(ValueError, match="no model is called 'Adder'"):
        models.build({"model": "Adder"})


def test_no_model_is_imported_to_find_them_all():
    code = (
        "import tfx.models as m, sys; print(len(m.MODELS) > 15, sorted(n for n in sys.modules if 'tfx.models.' in n))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True []\n"
