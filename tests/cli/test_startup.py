"""Start-up: every command starts in a small multiple of something as plain as it can be, measured beside it.

Times are those of the processor, which other programs on the machine hardly change; where the system does not tell
them, those of the clock.  The smallest of a few counts, taken in turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

from tfx_cli.command_table import COMMANDS

ROOT = Path(__file__).resolve().parents[2]

#: What the console script does; a script file would only add the installer's own lines.
LAUNCH = "import sys; sys.argv[0] = 'tfx'; from tfx_cli.__main__ import main; sys.exit(main())"

HELLO = """
import typer
app = typer.Typer(add_completion=False, rich_markup_mode=None)

@app.command()
def hello() -> None:
    print("hello")

app()
"""

#: What others are measured against.
REFERENCES = {
    "python": ["-c", "pass"],
    "hello": ["-c", HELLO],
    "numpy": ["-c", "import numpy"],
    "libraries": ["-c", "import numpy, matplotlib"],
}


class Budget(NamedTuple):
    """At most `ratio` times as long as the reference."""

    ratio: float
    reference: str


#: Words after `tfx`: what shows most of a command without computing.  Measured: two thirds to five sixths of these.
COMMAND_BUDGETS = {
    "--version": Budget(1.5, "python"),
    "--help": Budget(1.4, "hello"),
    "": Budget(2.2, "hello"),
    "explain": Budget(2.2, "hello"),  # the map names what there is to write and to derive in 102 topics
    "experiment": Budget(1.6, "hello"),
    "claims -h": Budget(1.7, "hello"),
    "quiz --stats": Budget(2.1, "hello"),
    "export -h": Budget(1.7, "hello"),
    "train -h": Budget(1.7, "hello"),
    "generate -h": Budget(1.6, "hello"),
    "gradcheck -h": Budget(1.6, "hello"),
    "bench": Budget(1.6, "hello"),
    "practice": Budget(2.2, "hello"),
    "systems": Budget(3.2, "hello"),  # reads 380 rows and prints a table
    "doctor": Budget(24.0, "libraries"),  # tries the libraries and the models, and in a checkout runs every lesson
}

IMPORT_BUDGETS = {
    "tfx": Budget(1.5, "python"),
    "tfx.models": Budget(0.6, "numpy"),
    "tfx.ops.attention.scaled_dot_product": Budget(1.5, "numpy"),
    "tfx.nn.attention": Budget(2.1, "numpy"),
    "tfx.models.gpt": Budget(2.8, "numpy"),
    "tfx.generate": Budget(3.2, "numpy"),
}


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "PYTHONDONTWRITEBYTECODE")}
    return {**kept, "TFX_HOME": str(home), "COLUMNS": "80"}


def clock_of_children() -> float:
    """Seconds that finished children have computed, or that have passed."""
    if sys.platform == "win32":
        return time.perf_counter()
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(arguments: list[str], home: Path) -> float:
    start = clock_of_children()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(home), capture_output=True, stdin=subprocess.DEVNULL
    )
    elapsed = clock_of_children() - start
    assert done.returncode == 0, done.stderr.decode()
    return elapsed


def over_budget(
    runs: Mapping[str, list[str]], budgets: Mapping[str, Budget], home: Path, most_rounds: int = 12
) -> dict[str, float]:
    """The ratios of those that stay too slow however often they are measured; two rounds are enough for the others.

    Two ratios have to be too large: that of the best times, and the median of those within a round, as one lucky
    time of the reference among twelve says nothing about a command.
    """
    references = {name: REFERENCES[name] for name in {budget.reference for budget in budgets.values()}}
    best = dict.fromkeys([*references, *runs], float("inf"))
    within: dict[str, list[float]] = {name: [] for name in runs}
    late: dict[str, float] = dict.fromkeys(runs, float("inf"))
    for rounds in range(1, most_rounds + 1):
        took = {
            name: seconds(arguments, home)
            for name, arguments in {**references, **{name: runs[name] for name in late}}.items()
        }
        best |= {name: min(best[name], one) for name, one in took.items()}
        for name in late:
            within[name].append(took[name] / took[budgets[name].reference])
        if rounds >= 2:
            ratios = {
                name: min(best[name] / best[budget.reference], median(within[name])) for name, budget in budgets.items()
            }
            late = {name: ratio for name, ratio in ratios.items() if ratio > budgets[name].ratio}
            if not late:
                break
    return late


def test_every_command_starts_in_a_small_multiple_of_a_plain_one(tmp_path):
    runs = {words: ["-c", LAUNCH, *words.split()] for words in COMMAND_BUDGETS}
    assert not over_budget(runs, COMMAND_BUDGETS, tmp_path)


def test_every_import_takes_a_small_multiple_of_numpy(tmp_path):
    runs = {module: ["-c", f"import {module}"] for module in IMPORT_BUDGETS}
    assert not over_budget(runs, IMPORT_BUDGETS, tmp_path)


def test_every_command_has_a_budget():
    assert {words.split()[0] for words in COMMAND_BUDGETS if words and not words.startswith("-")} == set(COMMANDS)


def test_a_command_that_imports_numpy_would_be_over_its_budget(tmp_path):
    """The measurement can tell: the help page with one import too many."""
    runs = {"--help": ["-c", "import numpy\n" + LAUNCH, "--help"]}
    assert over_budget(runs, {"--help": COMMAND_BUDGETS["--help"]}, tmp_path, most_rounds=2)


NO_RICH = [
    "--version",
    "--help",
    "",
    "explain",
    "experiment",
    "quiz --stats",
    "bench",
    "practice",
    "experimnt",
]


@pytest.mark.parametrize("words", [*NO_RICH, "export -h", "train -h", "generate -h", "gradcheck -h", "systems"])
def test_a_command_that_computes_nothing_imports_no_numpy(words, tmp_path):
    heavy = {"numpy", "matplotlib", "pydantic", *(["rich"] if words in NO_RICH else [])}
    code = (
        "import contextlib, sys\n"
        "from tfx_cli.__main__ import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main()\n"
        f"heavy = {heavy} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words.split()],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
