"""Start-up: commands that compute nothing start without NumPy, in a small multiple of bare Python."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Words after `tfx`, and the largest allowed ratio to `python -c pass`.
BUDGETS = {("--version",): 1.5, ("--help",): 12.0, ("quiz", "--stats"): 12.0}

#: What the console script does; a script file would only add the installer's own lines.
LAUNCH = "import sys; sys.argv[0] = 'tfx'; from tfx_cli.__main__ import main; sys.exit(main())"


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "PYTHONDONTWRITEBYTECODE")}
    return {**kept, "TFX_HOME": str(home), "COLUMNS": "80"}


def seconds(arguments: list[str], home: Path) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(home), capture_output=True, stdin=subprocess.DEVNULL
    )
    elapsed = time.perf_counter() - start
    assert done.returncode == 0, done.stderr.decode()
    return elapsed


def test_light_commands_start_in_a_small_multiple_of_bare_python(tmp_path):
    runs = {(): ["-c", "pass"], **{words: ["-c", LAUNCH, *words] for words in BUDGETS}}
    best = dict.fromkeys(runs, float("inf"))
    ratios: dict[tuple[str, ...], float] = {}
    for rounds in range(1, 31):  # interleaved, so that a busy moment hits all alike; the minimum is the quiet machine
        for words, arguments in runs.items():
            best[words] = min(best[words], seconds(arguments, tmp_path))
        ratios = {words: best[words] / best[()] for words in BUDGETS}
        if rounds >= 5 and all(ratios[words] <= limit for words, limit in BUDGETS.items()):
            break
    assert all(ratios[words] <= limit for words, limit in BUDGETS.items()), ratios


@pytest.mark.parametrize(
    "words", [("--version",), ("--help",), ("quiz", "--stats"), ("explain",), ("experiment",), ("experimnt",)]
)
def test_a_command_that_computes_nothing_imports_no_numpy(words, tmp_path):
    code = (
        "import contextlib, sys\n"
        "from tfx_cli.__main__ import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "heavy = {'numpy', 'matplotlib', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
