"""`python -m tests.torch_judge`: prints the table; with --write it is kept beside, in TABLE.md."""

# ruff: noqa: E501
from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

KEPT = Path(__file__).with_name("TABLE.md")


def page() -> Iterator[str]:
    import torch
    import torch_judge

    from tests.torch_judge.running import SEEDS, kinds, rows, strengths, table

    found = list(rows())
    versions = f"torch-judge {torch_judge.__version__}, PyTorch {torch.__version__}, Python {platform.python_version()}"
    ours = sum(bool(wrong.ours) for row in found for wrong in row.problem.wrong)
    untried = sorted(set(torch_judge.tasks.TASKS) - {row.problem.name for row in found})
    right = [sum(row.right[at] for row in found) for at in (1, 0)]
    seen = [row.problem.name for row in found if all(kind != "values" for _, kind in row.accepted)]
    tried, seeds = sum(row.tried for row in found), len(SEEDS)
    yield from (
        "# Wrong answers accepted: torch-judge",
        "",
        f"{versions}, {datetime.now(UTC):%Y-%m-%d}. Made by `python -m tests.torch_judge --write`.",
        f"Anybody can run it again: `pip install torch torch-judge=={torch_judge.__version__}`, then that line in a copy of",
        "this repository.",
        "",
        "torch-judge is the judge of TorchCode, a set of 40 problems for interviews that people practise with. Its own",
        f"`check` is run on {tried} wrong answers to {len(found)} of them, those about which there is a lesson here.",
        f"Each wrong answer is a right one with one thing changed; {ours} of them are mistakes of the banks of",
        "`tfx practice`. Each is shown to be wrong by one general input: all sizes different, options off their defaults,",
        "gradients compared as well. Some of the package's tests draw inputs without a seed: accepted means accepted with",
        f"{seeds} seeds out of {seeds}.",
        "",
        *table(found),
        "",
        "Of the wrong answers that were accepted, wrong are first of all",
        "",
        *kinds(found),
        "",
        "## What it tests well",
        "",
        f"{right[0]} of {right[1]} right answers are accepted, several of them written in an unusual way.",
        f"Nothing wrong in values gets through in {_joined(sorted(seen))}." if seen else "",
        "The tests that refused most of these answers:",
        "",
        *strengths(found),
        "",
        "## What would see the rest",
        "",
        "One comparison with a reference on a general input for the problems that check shapes alone, and gradients that",
        "are compared with those of the reference, where today `grad is not None` is asked. The files of",
        "`tests/torch_judge/` hold such an input for each problem, and a test proves that it tells every wrong answer of",
        "the table from the right one.",
        "",
        f"Not tried: {_joined(untried)}.",
    )


def _joined(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def main(words: list[str]) -> int:
    for name in ("torch", "torch_judge"):
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed: pip install torch torch-judge", file=sys.stderr)
            return 2
    text = "\n".join(page()) + "\n"
    if words == ["--write"]:
        KEPT.write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
