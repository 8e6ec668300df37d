"""The contract of the checks in every command's JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tfx.records import Check
from tfx_cli.render.json import CHECK_FIELDS

COMMANDS = [
    "gradcheck softmax --json",
    "generate --max-new 2 --json",
    "generate --beams 2 --max-new 2 --json",
    "train copy --steps 2 --json",
    "experiment scaling --quick --json",
    "explain scaling-variance --json",
]


def test_the_fields_are_those_of_a_check_in_their_order():
    assert tuple(field.name for field in dataclasses.fields(Check)) == CHECK_FIELDS


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_shows_these_fields_and_no_others(tfx, words):
    checks = json.loads(tfx(*words.split()).out)["checks"]
    assert checks and all(tuple(check) == CHECK_FIELDS and type(check["holds"]) is bool for check in checks)
