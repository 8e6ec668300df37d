"""`make screens`: records every screen anew.  Read the difference (git diff) before it is committed."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import tests.conftest  # noqa: F401  one BLAS thread, before NumPy
from tests.cli.running import TERMINAL_VARIABLES
from tests.screens.comparing import difference
from tests.screens.running import RECORDED, made, screens


def main(names: list[str]) -> int:
    """Those whose name contains one of `names`, or all.  A recording that still says the same is left as it is."""
    for name in TERMINAL_VARIABLES:
        os.environ.pop(name, None)
    RECORDED.mkdir(exist_ok=True)
    every = screens()
    for path in RECORDED.glob("*.txt"):
        if path not in {screen.path for screen in every}:
            path.unlink()
            print(f"gone     {path.stem}")
    for screen in every:
        if names and not any(name in screen.name for name in names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.environ.update({"COLUMNS": "80", "LINES": "24", "TERM": "dumb", **screen.variables, "TFX_HOME": folder})
            here = Path.cwd()
            os.chdir(folder)
            text = made(screen)
            os.chdir(here)
        if not screen.path.exists() or difference(screen.path.read_text(encoding="utf-8"), text, screen.unsteady):
            screen.path.write_text(text, encoding="utf-8")
            print(f"recorded {screen.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
