"""The rooms of the house outside the operations: their files, and the tests that should notice a mistake in them."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.mutation.mutants import ROOT
from tests.mutation.reach import Users, users_of
from tests.screens.running import Screen, screens

TESTS = ROOT / "tests"


class Room(NamedTuple):
    """files: patterns below the checkout.  own: folders and files of its tests; related: where else it is seen."""

    files: tuple[str, ...]
    own: tuple[str, ...]
    related: tuple[str, ...] = ()


ROOMS = {
    "lessons": Room(
        ("lessons/*/**/*.py",), ("lessons",), ("quiz", "cli/explaining", "cli/commands/test_explain.py", "docs")
    ),
    "quiz": Room(("lessons/*.py",), ("quiz", "lessons"), ("cli/commands", "cli/explaining", "cli/test_long_course.py")),
    "lab": Room(("tfx/lab/**/*.py",), ("lab",), ("cli/commands/test_experiment.py", "lessons")),
    "measure": Room(("tfx/measure/**/*.py",), ("measure",), ("lab", "bench", "lessons")),
    "bench": Room(("tfx/bench/**/*.py",), ("bench", "lab"), ("cli/commands/test_bench.py",)),
    "render": Room(("tfx_cli/render/**/*.py",), ("cli/render",), ("cli/commands", "cli/explaining", "cli")),
    "commands": Room(("tfx_cli/commands/**/*.py", "tfx_cli/diagnosis/**/*.py"), ("cli/commands",), ("cli",)),
    "explaining": Room(("tfx_cli/explaining/**/*.py",), ("cli/explaining",), ("cli/commands", "cli")),
    "quizzing": Room(("tfx_cli/quizzing/**/*.py",), ("cli/commands", "quiz"), ("cli/learner", "cli")),
    "learner": Room(("tfx_cli/learner/**/*.py",), ("cli/learner",), ("cli/commands", "cli")),
    "terminal": Room(("tfx_cli/terminal/**/*.py",), ("cli/terminal",), ("cli/render", "cli/commands", "cli")),
}


def files_of(rooms: list[str]) -> Iterator[tuple[str, Path]]:
    """(room, file), in order; without files that have no code of their own."""
    for room in rooms:
        for pattern in ROOMS[room].files:
            yield from ((room, path) for path in sorted(ROOT.glob(pattern)) if path.name != "__init__.py")


#: what every screen is compared in: quick, and it sees far
SCREENS, SCREEN_TEST = TESTS / "screens" / "test_screens.py", "test_the_screen_says_what_was_recorded"


class Tests(NamedTuple):
    """Arguments of pytest.

    first: the screens of the topics and experiments that use the file, the tests of its name (or of its room, where
    there are none), those that import it, the screens that show something of it; rest: of its room and related ones,
    and of these only what has one of those topics or experiments in its name where the file is used by few.
    """

    first: list[str]
    rest: list[str]


def likeliest_tests(room: str, path: Path) -> Tests:
    """The tests that should notice a mistake in that file."""
    every = sorted(TESTS.rglob("test_*.py"))
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    names = {f"test_{path.stem}.py", f"test_{path.parent.name}.py"}
    own, related = (
        [test for place in places for test in every if TESTS / place in (test, *test.parents)]
        for places in (ROOMS[room].own, ROOMS[room].related)
    )
    named = [test for test in own if test.name in names]
    importing = [test for test in every if imports(test, module) and "gpu" not in test.parts]
    users = users_of(room, path)
    few = room in ("lab", "measure", "lessons")
    near = [*named, *importing] if few else [*(named or own), *importing, SCREENS]
    first = dict.fromkeys(near)
    rest = [test for test in dict.fromkeys([*own, *related]) if test not in first and test != SCREENS]
    one, other = ([test.relative_to(ROOT).as_posix() for test in tests] for tests in (first, rest))
    if not few:
        return Tests([*own_screens(room, path), *one], other)
    seen = [shown(screen.name) for screen in screens() if shows(screen, users)]
    return Tests(
        list(dict.fromkeys([*own_screens(room, path), *one, *seen])),
        [*other, "-k", " or ".join(users.words)] if users.words else [],
    )


def own_screens(room: str, path: Path) -> list[str]:
    """Of the topic whose folder the file is in, or of the experiment that it is: a second instead of twenty."""
    from lessons.course import topics

    if room == "lessons":
        names = [topic.name for topic in topics() if Path(topic.folder).name == path.parent.name]
        kinds = ["topic", "screens", "sheet", "verdicts", "settings"]
    else:
        names = [path.stem.replace("_", "-")] if room == "lab" else []
        kinds = ["experiment", "first-look", "settings-of"]
    every = {screen.name for screen in screens()}
    return [shown(name) for one in names for kind in kinds if (name := f"{kind}-{one}") in every]


def shown(name: str) -> str:
    return f"{SCREENS.relative_to(ROOT).as_posix()}::{SCREEN_TEST}[{name}]"


def shows(screen: Screen, users: Users) -> bool:
    """Whether it may show something of a file with these users: every listing may."""
    from lessons.course import find_topic
    from tfx.errors import BadInput

    command, _, words = screen.command.partition(" ")
    subject = words.split()[0] if words and not words.startswith("-") else ""
    if command == "experiment" and subject:
        return subject in users.experiments
    try:
        return find_topic(subject).name in users.topics if command in ("explain", "quiz") and subject else True
    except BadInput:
        return True


@functools.cache
def imported(test: Path) -> frozenset[str]:
    found = set()
    for node in ast.walk(ast.parse(test.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found)


def imports(test: Path, module: str) -> bool:
    return module in imported(test)
