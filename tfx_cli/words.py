"""Every word that the command line understands, of all kinds, and who else has a name that was looked for in vain.

A reader types `tfx scaling`, `tfx explain masking` or `tfx experiment softmax`: the word is right, the place is not.
Whatever raises `UnknownName` is answered from here.  Reading the words imports no NumPy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import tfx
from tfx.errors import UnknownName, nearest, plain
from tfx_cli.command_table import COMMANDS

BACKWARD = re.compile(r"^def ([a-z]\w*)_backward\(", re.MULTILINE)
#: where `tfx gradcheck` finds functions
OPERATIONS = ("ops", "efficient", "models")

#: Words that are no name of anything here, and what they ask for.
ASKING = {
    "help": "tfx -h",
    "man": "tfx -h",
    "version": "tfx --version",
    "topics": "tfx explain",
    "lessons": "tfx explain",
    "lesson": "tfx explain",
    "course": "tfx explain",
    "list": "tfx explain",
    "tasks": "tfx train",
    "models": "tfx systems",
    "stats": "tfx quiz --stats",
}

#: How many places are named for one word.
MOST_PLACES = 3


class Word(NamedTuple):
    """kind: what it names: a command, topic, experiment, ...  command: what to type for it."""

    kind: str
    name: str
    command: str


@cache
def all_words() -> tuple[Word, ...]:
    """Commands, topics with their aliases, experiments, benchmarks, tasks, operations and systems, in this order."""
    return tuple(_words())


def task_names() -> dict[str, str]:
    """What `tfx train` trains -> what it asks."""
    from tfx.data.toys.task_names import TASK_NAMES

    return TASK_NAMES


def operation_names() -> tuple[str, ...]:
    """The functions of `tfx gradcheck`, read from the source; its layers are checked by name as well (nn.Linear)."""
    folder = Path(tfx.__file__).parent
    files = (path for room in OPERATIONS for path in sorted((folder / room).rglob("*.py")))
    return tuple(name for path in files for name in BACKWARD.findall(path.read_text(encoding="utf-8")))


def words_called(name: str) -> list[Word]:
    """Those of that name, one of each kind, in the order of the kinds."""
    wanted = plain(name)
    found: dict[str, Word] = {}
    for word in all_words():
        if wanted and plain(word.name) == wanted:
            found.setdefault(word.kind, word)
    return list(found.values())


def other_places(problem: UnknownName) -> tuple[str, str]:
    """(message, hint) for a name that is not there: where the word stands, else what is near to it."""
    if problem.kind not in {"command", *(word.kind for word in all_words())}:
        return problem.message, problem.hint
    if problem.kind == "command" and problem.name.lower() in ASKING:
        return f'no command is called "{problem.name}".', f"Try: {ASKING[problem.name.lower()]}"
    places = [word for word in words_called(problem.name) if word.kind != problem.kind]
    if places:
        kinds = _joined([f"{_article(word.kind)} {word.kind}" for word in places[:MOST_PLACES]])
        verb = "is" if len(places) == 1 else "are"
        commands = "   or: ".join(word.command for word in places[:MOST_PLACES])
        return f'no {problem.kind} is called "{problem.name}", but {kinds} {verb}.', f"Try: {commands}"
    if problem.guess:
        return problem.message, problem.hint
    guess = nearest(problem.name, [word.name for word in all_words()])
    if guess:
        word = words_called(guess)[0]
        return f'{problem.message} Did you mean the {word.kind} "{guess}"?', f"Try: {word.command}"
    return problem.message, problem.hint


def _words() -> Iterator[Word]:
    from tfx.bench import benchmarks
    from tfx.lab import experiments
    from tfx.systems import names_of, systems
    from tfx_cli.find_lessons import ensure_lessons

    ensure_lessons()
    from lessons.course import topics

    yield from (Word("command", name, f"tfx {name}") for name in COMMANDS)
    for topic in topics():
        yield from (Word("topic", name, f"tfx explain {name}") for name in (topic.name, *topic.aliases))
    yield from (Word("experiment", name, f"tfx experiment {name}") for name in experiments())
    yield from (Word("benchmark", name, f"tfx bench {name}") for name in benchmarks())
    yield from (Word("task", name, f"tfx train {name}") for name in task_names())
    yield from (Word("operation", name, f"tfx gradcheck {name}") for name in operation_names())
    for system in systems():
        yield from (Word("system", name, f"tfx systems {quoted(name.lower())}") for name in names_of(system))


def quoted(text: str) -> str:
    """`text` as a word or words that a shell passes on as they are."""
    return text if re.fullmatch(r"[\w .+:/-]*", text) else '"' + re.sub(r'(["\\$`])', r"\\\1", text) + '"'


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _joined(names: list[str]) -> str:
    """`a, b and c`"""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
