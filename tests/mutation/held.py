"""Each check made to hold always: one that no test sees fail proves nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.mutation.copies import run_tests
from tests.mutation.mutants import ROOT
from tests.mutation.rooms import imports
from tests.mutation.visible import outputs

#: Arguments of pytest.
Stage = list[str]
LESSONS = ROOT / "tests" / "lessons"


def tests_of_check(rooms: list[str]) -> list[tuple[str, str, list[Stage]]]:
    """(where, id, the tests that should notice, the quickest first), for lessons, lab and bench."""
    from lessons.course import topics
    from tests.lab.breaking import module_of_tests
    from tfx.bench import bench_module, benchmarks
    from tfx.lab import experiment_module, experiments

    found = []
    for room, names, command, module_of in (
        ("lab", experiments(), "experiment", experiment_module),
        ("bench", benchmarks(), "bench", bench_module),
    ):
        for name in names if room in rooms else ():
            part = " softmax" if name == "ladder" else ""
            stages = [
                ["tests/lab/test_broken_checks.py", "-k", f"{name}{part}".replace(" ", " and ")],
                [f"{module_of_tests(module_of(name)).replace('.', '/')}.py"],
            ]
            found += [(name, id, stages) for id in ids_of(f"{command} {name}{part} --quick --json")]
    for topic in topics() if "lessons" in rooms else ():
        tests = sorted(LESSONS.glob("test_*.py"))
        own = [test for test in tests if imports(test, f"{topic.package}.lesson")]
        own = own or [test for test in tests if test.name.startswith(f"test_{Path(topic.folder).name}")]
        stages = [[test.relative_to(ROOT).as_posix() for test in own], ["tests/lessons"]]
        found += [(topic.name, id, stages) for id in ids_of(f"explain {topic.name} --json")]
    return found


def ids_of(command: str) -> list[str]:
    """Of the checks that the command prints."""
    (printed,) = outputs([command])
    return list(dict.fromkeys(checks_in(json.loads(printed[: printed.rindex("\n")]))))


def checks_in(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if {"id", "statement", "holds"} <= document.keys():
            yield document["id"]
        document = list(document.values())
    if isinstance(document, list):
        for part in document:
            yield from checks_in(part)


def without_size(id: str) -> str:
    """`work-64`, of a run at width 64, is the check that a test sees as `work-12`."""
    return re.sub(r"-\d+$", "", id)


def held_always(copy: Path, id: str, stage: Stage) -> Callable[[], str]:
    """The tests, with checks of this id that hold whatever happens."""

    def question() -> str:
        from tfx.records import Check

        right = Check.__init__

        def held(self: Check, *fields: Any, **named: Any) -> None:
            right(self, *fields, **named)
            if without_size(self.id) == without_size(id):
                object.__setattr__(self, "holds", True)

        Check.__init__ = held  # type: ignore[method-assign]
        return run_tests(copy, stage, ())

    return question
