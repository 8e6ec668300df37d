"""The package of models: every name is there, and none is imported before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tfx import models


def test_every_public_name_is_found_where_its_home_says():
    for name, home in models.HOMES.items():
        assert getattr(models, name).__module__ == f"tfx.models.{home}"
    assert set(models.__all__) == {*models.HOMES, "MODELS", "build"}
    assert set(models.__all__) <= set(dir(models))
    assert set(models.MODELS) <= set(models.HOMES)


def test_a_wrong_name_is_an_attribute_error_and_a_module_is_still_a_module():
    with pytest.raises(AttributeError, match="no attribute 'GPT5'"):
        _ = models.GPT5
    with pytest.raises(ImportError, match="GPT5"):
        exec("from tfx.models import GPT5")
    from tfx.models import decoder

    assert decoder.DecoderOnly is models.DecoderOnly


def test_a_model_is_built_from_its_config_alone():
    code = "from tfx.models import build; print(build({'model': 'GPT', 'vocab': 5, 'd_model': 8}).n_parameters > 0)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import tfx.models", ["numpy", "tfx.nn"]),
        (
            "from tfx.models import GPT",
            ["tfx.efficient.performer", "tfx.models.bert", "tfx.models.seq2seq", "tfx.optim"],
        ),
        ("import tfx.nn.attention", ["tfx.efficient.performer", "tfx.models"]),
    ],
)
def test_what_is_not_asked_for_is_not_imported(statement, absent):
    code = f"{statement}\nimport sys\nprint(sorted(sys.modules.keys() & {set(absent)}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
