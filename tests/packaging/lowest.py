"""The lowest versions of pyproject.toml, as pip reads them, for `make test-lowest`: `numpy==2.0`, one a line."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def lowest_versions(pyproject: Path = PYPROJECT) -> list[str]:
    """Raises ValueError for a dependency that names none."""
    needed = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
    found = [re.fullmatch(r"([\w-]+)>=([\d.]+)(,<[\d.]+)?", one) for one in needed]
    if None in found:
        raise ValueError(f"{needed[found.index(None)]!r} names no lowest version")
    return [f"{match[1]}=={match[2]}" for match in found if match]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest_versions()) + "\n")
