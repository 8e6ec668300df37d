"""`--device cuda`: what it says where it cannot work, and that it works where it can."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import types

import numpy as np
import pytest

from tests.cli.running import ROOT, one_sentence, run
from tests.gpu.__main__ import main
from tfx.backend import device_module
from tfx.errors import EnvironmentProblem
from tfx_cli.diagnosis import machine

COMMANDS = [
    ("train", "copy", "--steps", "2"),
    ("experiment", "scaling", "--quick"),
    ("bench", "decode", "--quick"),
]


class Missing:
    """Finds nothing under the name cupy, as if it had never been installed; or finds it broken."""

    def __init__(self, error: ImportError) -> None:
        self._error = error

    def find_spec(self, name, path=None, target=None):
        if name == "cupy":
            raise self._error


@pytest.fixture
def without_cupy(monkeypatch):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(ModuleNotFoundError("cupy")), *sys.meta_path])


def pretend_cupy(available: bool, right: float = 4.0) -> types.SimpleNamespace:
    """As much of CuPy as the doctor looks at."""
    runtime = types.SimpleNamespace(getDeviceProperties=lambda number: {"name": b"A card"})
    return types.SimpleNamespace(
        __version__="14.0",
        cuda=types.SimpleNamespace(is_available=lambda: available, runtime=runtime),
        ones=np.ones,
        exp=lambda x: np.full_like(x, right / x.size),
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command))
def test_without_cupy_a_command_says_so_in_one_sentence_and_what_to_type(command, tmp_path):
    (tmp_path / "cupy.py").write_text("raise ModuleNotFoundError('no cupy')", encoding="utf-8")
    ran = run(*command, "--device", "cuda", home=tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert ran.code == 3 and ran.out == ""
    assert "needs CuPy" in one_sentence(ran) and "pip install 'cupy-cuda12x[ctk]>=14'" in ran.err


def test_the_tests_of_a_card_say_that_none_was_run(without_cupy, capsys):
    assert main() == 3
    told = capsys.readouterr()
    assert told.out == "" and "no test was run" in told.err and "make test-gpu" in told.err


def test_no_card_is_told_from_no_cupy_and_from_a_broken_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", pretend_cupy(available=False))
    with pytest.raises(EnvironmentProblem, match="no CUDA card"):
        device_module("cuda")
    monkeypatch.delitem(sys.modules, "cupy")
    monkeypatch.setattr(sys, "meta_path", [Missing(ImportError("libcublas")), *sys.meta_path])
    with pytest.raises(EnvironmentProblem, match="does not load"):
        device_module("cuda")


@pytest.mark.parametrize(
    ("cupy", "state", "told"),
    [
        (None, "note", "no CuPy"),
        (pretend_cupy(available=False), "note", "no CUDA card"),
        (pretend_cupy(available=True), "ok", "A card"),
        (pretend_cupy(available=True, right=5.0), "problem", "wrong"),
    ],
)
def test_the_doctor_tells_whether_a_card_can_be_used(cupy, state, told, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: cupy)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    found = machine.card()
    assert found.state == state and told in found.value
    assert bool(found.action) == (state != "ok")


@pytest.mark.gpu
def test_train_and_doctor_on_a_card(tmp_path):
    there, here = (
        json.loads(run("train", "copy", "--steps", "150", "--json", "--device", name, home=tmp_path).out)
        for name in ("cuda", "cpu")
    )
    assert there["solved"] and there["device"] == "cuda"
    np.testing.assert_allclose(there["rows"][0]["loss"], here["rows"][0]["loss"], rtol=1e-3)
    assert "CuPy" in run("doctor", home=tmp_path).out
