"""The package's own `check` on our answers, and the table that comes of it."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torch_judge import around, attending, layers, parts
from tests.torch_judge.answering import KINDS, Problem, Wrong, difference

#: the seeds that are tried, as some of its tests draw inputs without one: accepted is what all accept
SEEDS = (0, 1, 2)
PROBLEMS: tuple[Problem, ...] = (*attending.PROBLEMS, *layers.PROBLEMS, *parts.PROBLEMS, *around.PROBLEMS)


def function_name(problem: Problem) -> str:
    from torch_judge.tasks import get_task

    task = get_task(problem.name)
    assert task is not None, problem.name
    return task["function_name"]


def refusals(problem: Problem, source: str) -> list[str]:
    """Names of the tests of the package that refuse an answer, for the seed on which there are fewest; none: accepted
    with that seed.  The package's `check` is run as a learner runs it, from the names around its call."""
    import torch
    from torch_judge import check, progress

    most: list[str] = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        space = {"check": check, "__name__": "answer"}
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            progress.PROGRESS_PATH = str(Path(folder) / "progress.json")
            exec(compile(source, "<answer>", "exec"), space)
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(f"check({problem.name!r})", space)
            told = json.loads(Path(progress.PROGRESS_PATH).read_text(encoding="utf-8"))
        solved = told[problem.name]["status"] == "solved"
        lines = re.sub(r"\x1b\[\d+m", "", printed.getvalue()).splitlines()
        refused = [found[1].strip() for line in lines if (found := re.match(r"  (?:❌|💥) \[\d+/\d+\] (.*)", line))]
        assert solved == (not refused), (problem.name, printed.getvalue())
        if len(refused) > len(most):
            most = refused
    return most


@dataclass(frozen=True)
class Row:
    """Of one problem.  right: how many right answers there are, and how many were accepted."""

    problem: Problem
    right: tuple[int, int]
    accepted: tuple[tuple[Wrong, str], ...]
    refused_by: Counter[str]

    @property
    def tried(self) -> int:
        return len(self.problem.wrong)


def rows(problems: Sequence[Problem] = PROBLEMS) -> Iterator[Row]:
    for problem in problems:
        name = function_name(problem)
        right = [problem.right, *problem.also_right.values()]
        accepted, by = [], Counter[str]()
        for wrong in problem.wrong:
            refused = refusals(problem, wrong.source)
            by.update(refused)
            if not refused:
                accepted.append((wrong, difference(problem, wrong.source, name)))
        yield Row(problem, (len(right), sum(not refusals(problem, one) for one in right)), tuple(accepted), by)


def table(found: Sequence[Row]) -> Iterator[str]:
    """In Markdown: a row a problem, most often fooled first."""
    yield "| problem | right answers accepted | wrong answers tried | accepted | which |"
    yield "|---|---|---|---|---|"
    for row in sorted(found, key=lambda one: (-len(one.accepted), one.tried, one.problem.name)):
        which = "; ".join(wrong.says for wrong, _ in row.accepted) or "none"
        yield f"| {row.problem.name} | {row.right[1]} of {row.right[0]} | {row.tried} | {len(row.accepted)} | {which} |"
    tried, accepted = sum(row.tried for row in found), sum(len(row.accepted) for row in found)
    right = [sum(row.right[at] for row in found) for at in (1, 0)]
    yield f"| **all** | {right[0]} of {right[1]} | {tried} | {accepted} | |"


def kinds(found: Sequence[Row]) -> Iterator[str]:
    """What is wrong with the answers that were accepted."""
    counted = Counter(kind for row in found for _, kind in row.accepted)
    yield from (f"- {counted[kind]}: {kind}" for kind in KINDS)


def strengths(found: Sequence[Row], most: int = 6) -> Iterator[str]:
    """The tests of the package that refused most wrong answers."""
    by = Counter({(row.problem.name, test): times for row in found for test, times in row.refused_by.items()})
    yield from (f'- {name}, "{test}": {times}' for (name, test), times in by.most_common(most))
