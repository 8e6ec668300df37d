"""What a program to debug is, and what a bug in it is.

A bug is a piece of text that stands once in the program, and the text that is planted in its place.  Its symptom is a
row of what the program answers when it is asked: the row moves in one direction, so far that it can be seen.  A bug
without such a row hides: it is never planted, and listed with what was measured (`tfx practice debug --hidden`).
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from tfx.errors import unknown_name

HERE = Path(__file__).parent

#: family -> what goes wrong in it
FAMILIES = {
    "mask": "who may look at what, and what counts",
    "shift": "which token is the answer to which",
    "scale": "a divisor, a factor, a temperature",
    "axis": "along which axis, and in which order the axes stand",
    "position": "where a token stands",
    "norm": "what is divided by a sum, a mean or a spread, and the residual around it",
    "optimiser": "moments, schedule, clipping, decay",
    "cache": "keys and values of the tokens before",
    "data": "letters, windows, batches, splits",
}
#: what can be asked -> what that is
QUESTIONS = {
    "loss": "a real run of a few seconds at most: the loss on the way, and what was learned",
    "gradients": "the size of each gradient at the start",
    "entropy": "how spread the weights of each attention are, in nats",
    "causality": "how far an output moves when something else changes, that must reach it or must not",
    "shapes": "the shape of every result",
    "invariants": "what holds whatever the weights are; 0 says that it holds",
    "samples": "what comes out, on a small example",
}
#: question -> how many times larger or smaller a number must be before anybody would see it without the right one
SEEN = {"loss": 4.0, "gradients": 4.0, "entropy": 1.25, "samples": 1.05, "causality": 4.0}
#: of a share, how much; and of what has to be 0, which any difference breaks
SEEN_OF_SHARES, LEAST = 0.1, 1e-6
#: how the label of a share begins
SHARE = "right "

Rows = tuple[tuple[str, Any], ...]


class Symptom(NamedTuple):
    """question, row: where it shows.  direction: higher, lower or other, against the right program."""

    question: str
    row: str
    direction: str = "higher"


class Call(NamedTuple):
    """One call that a fix is judged by.  name: of a function of the asking file, which gets the program first."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Bug:
    """id: `attention/one-token-ahead`, which stays.  symptom: None where it hides."""

    id: str
    program: str
    family: str
    old: str
    new: str
    says: str
    why: str
    symptom: Symptom | None

    @property
    def hides(self) -> bool:
        return self.symptom is None


@dataclass(eq=False)
class Program:
    """about: what it does, in a sentence.  goal: how one sees that it works."""

    name: str
    title: str
    goal: str
    every: list[Bug] = field(default_factory=list)
    _calls: Callable[[np.random.Generator], Iterator[tuple[str, dict[str, Any]]]] | None = None

    def calls(self, function: Any) -> Any:
        self._calls = function
        return function

    def bug(self, slug: str, family: str, old: str, new: str, says: str, why: str, *symptom: str) -> None:
        """symptom: question, row and direction; without them it hides."""
        known = Symptom(*symptom) if symptom else None
        self.every.append(Bug(f"{self.name}/{slug}", self.name, family, old, new, says, why, known))

    @property
    def bugs(self) -> list[Bug]:
        """Those that can be planted."""
        return [bug for bug in self.every if not bug.hides]

    @property
    def path(self) -> Path:
        return HERE / "programs" / f"{self.name}.py"

    @property
    def asking_path(self) -> Path:
        return HERE / "asking" / f"{self.name}.py"

    @cached_property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def lines(self) -> int:
        return self.source.count("\n")

    @cached_property
    def asking(self) -> ModuleType:
        return importlib.import_module(f"{__package__}.asking.{self.name}")

    @property
    def questions(self) -> dict[str, Callable[[Any], Any]]:
        """What this program can be asked, in the order of QUESTIONS."""
        known: dict[str, Callable[[Any], Any]] = self.asking.QUESTIONS
        return {name: known[name] for name in QUESTIONS if name in known}

    @cached_property
    def judged(self) -> tuple[Call, ...]:
        """The calls that a fix is judged by, the same every time."""
        return self.other_calls(20_17)

    def other_calls(self, seed: int) -> tuple[Call, ...]:
        assert self._calls is not None, f"{self.name} has no calls"
        return tuple(Call(*one) for one in self._calls(np.random.default_rng(seed)))

    def expected(self, question: str) -> str:
        """What a right program answers, in words."""
        return " ".join((self.questions[question].__doc__ or "").split())


def planted(source: str, bugs: Sequence[Bug]) -> str:
    """The source with each bug in it.  Raises ValueError where a text does not stand there once."""
    for bug in bugs:
        if source.count(bug.old) != 1:
            raise ValueError(f"{bug.id}: its text stands {source.count(bug.old)} times in the program")
        source = source.replace(bug.old, bug.new)
    return source


def space_of(source: str, name: str = "program") -> SimpleNamespace:
    """The functions of a program of our own, which is run here."""
    space: dict[str, Any] = {"__name__": name}
    exec(compile(source, f"{name}.py", "exec"), space)
    return SimpleNamespace(**space)


def seen(question: str, row: str, right: Any, got: Any) -> str:
    """Whether an answer is off so far that somebody sees it: higher, lower or other; nothing where it is not."""
    if isinstance(right, str) or isinstance(got, str) or got is None:
        return "" if right == got else "other"
    if not np.isfinite(got):
        return "higher" if np.isfinite(right) else ""
    if row.startswith(SHARE):
        far = abs(got - right) > SEEN_OF_SHARES
    elif question in SEEN and right * got > 0:
        far = not 1 / SEEN[question] <= got / right <= SEEN[question]
    else:
        far = abs(got - right) > LEAST
    return ("higher" if got > right else "lower") if far else ""


def lines_of(source: str, text: str) -> range:
    """Numbers of the lines that a text takes, from 1."""
    first = source[: source.index(text)].count("\n") + 1
    return range(first, first + text.strip("\n").count("\n") + 1)


def function_at(source: str, line: int) -> str:
    """The function in which a line stands; nothing where it stands in none."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            return node.name
    return ""


@cache
def programs() -> dict[str, Program]:
    """All by name, in the order of their files."""
    names = sorted(path.stem for path in (HERE / "bugs").glob("*.py") if re.fullmatch(r"[a-z]+", path.stem))
    return {name: importlib.import_module(f"{__package__}.bugs.{name}").program for name in names}


def find_program(name: str) -> Program:
    """The program of that name; raises BadInput with the nearest one."""
    if name not in programs():
        raise unknown_name("program to debug", name, programs(), "tfx practice debug")
    return programs()[name]
