"""Where the recorded cases lie: the files in fixtures/, or other ones that an environment variable names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FIXTURES = Path(__file__).resolve().parent / "fixtures"
ABSENT = "the recorded cases are not in the source distribution; they are in the repository, tests/peers/fixtures"


def recorded(variable: str, *names: str) -> list[Path]:
    """The files in the environment variable (a list joined by os.pathsep), or those in fixtures/ that are there."""
    told = os.environ.get(variable, "")
    if told:
        return [Path(path) for path in told.split(os.pathsep) if path]
    return [path for name in names if (path := FIXTURES / name).is_file()]


def need(files: list[Path]) -> None:
    """Skips the test when no file was found; a file that was named and is not there is an error."""
    if not files:
        pytest.skip(ABSENT)


def meta(path: Path) -> Any:
    """What is recorded, without the arrays."""
    with np.load(path) as archive:
        return json.loads(bytes(archive["meta"]))
