"""The lowest versions of pyproject.toml, as pip reads them, for `make test-lowest`: `numpy==2.0`, one a line.

Those of an extra count as well when the tests of every day need it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: of the extras; what the others need is not there in a test, or is there only for its own
TESTED_EXTRAS = ("anki", "notebook")
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def lowest_versions(pyproject: Path = PYPROJECT) -> list[str]:
    """Raises ValueError for a dependency that names none."""
    needed = needed_by(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"])
    found = [re.fullmatch(r"([\w-]+)>=([\d.]+)(,<[\d.]+)?", one) for one in needed]
    if None in found:
        raise ValueError(f"{needed[found.index(None)]!r} names no lowest version")
    return [f"{match[1]}=={match[2]}" for match in found if match]


def needed_by(project: Mapping[str, Any]) -> list[str]:
    """The dependencies of the package and of the extras that are tested."""
    extras = project.get("optional-dependencies", {})
    return [*project["dependencies"], *(one for name in TESTED_EXTRAS for one in extras.get(name, ()))]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest_versions()) + "\n")
