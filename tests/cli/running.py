"""Runs `tfx` for the tests: in this process where that is faithful, in one of its own where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

#: What the console script does.
LAUNCH = "import sys; sys.argv[0] = 'tfx'; from tfx_cli.__main__ import main; sys.exit(main())"

#: Variables of the machine that runs the tests; a test sets those it means.
TERMINAL_VARIABLES = ("FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE", "COLUMNS", "LINES",
                      "TERM", "PYTHONIOENCODING", "PYTHONUTF8", "LC_ALL", "TFX_HOME", "TFX_DEBUG")  # fmt: skip


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(home: Path, **variables: str) -> dict[str, str]:
    """A clean environment with the data folder `home`, the checkout importable and few BLAS threads."""
    kept = {name: value for name, value in os.environ.items() if name not in TERMINAL_VARIABLES}
    defaults = {"TFX_HOME": str(home), "COLUMNS": "80", "TERM": "dumb", "PYTHONPATH": str(ROOT)}
    return {**kept, **defaults, "OPENBLAS_NUM_THREADS": "1", **variables}


def run(*words: str, home: Path, folder: Path | None = None, stdin: str = "", **variables: str) -> Ran:
    """Runs `tfx words` as a process of its own, in `folder` (default: `home`), and decodes its streams leniently."""
    home.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, *words],
        cwd=folder or home,
        env=environment(home, **variables),
        input=stdin.encode(),
        capture_output=True,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def one_sentence(ran: Ran) -> str:
    """Checks that stderr is `tfx: ...` with at most one hint line and no traceback; returns it."""
    lines = ran.err.splitlines()
    assert lines and lines[0].startswith("tfx: "), ran
    assert len(lines) <= 2 and all(line.startswith("     ") for line in lines[1:]), ran.err
    assert "Traceback" not in ran.err and "Traceback" not in ran.out, ran
    return ran.err
