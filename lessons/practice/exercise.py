"""What an exercise is: `lessons/MODULE/TOPIC/exercises/NAME.py`, and in it an `exercise`; its mistakes stand in
`NAME_mistakes.py` beside it.

    exercise = Exercise("softmax", "Softmax that cannot overflow", rules=[...], hints=[...], learned="...")

    @exercise.stub                     what the learner gets: the name, the arguments, and what is asked
    def softmax(x, axis=-1): ...

    @exercise.solution                 shown after a pass
    @exercise.truth                    what is right, where the solution is not written to be the judge: the library
    @exercise.equal                    another way to write it, which has to pass
    @exercise.mistake                  a wrong way; its docstring has the form of tfx.gradcheck.mistake
    @exercise.inputs                   yields `Given(about, arguments)` from a generator
    @exercise.steps                    what lies between: names of variables with their right values, in order
    @exercise.cell                     works out one number of a step by hand, as a line of text

A mistake is told by what it gives: on the inputs of the exercise no two may give the same
(lessons/practice/proving.py holds every exercise to it).  Exercises of other folders: lessons/practice/packs.py.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from lessons.course import ROOT, Topic, find_topic, topics
from lessons.exercise_names import PACKED, exercise_files, exercise_names
from lessons.practice.in_torch import in_torch, rules_in_torch
from lessons.practice.shelf import Shelf
from lessons.practice.tensors import leaves
from tfx.errors import unknown_name
from tfx.gradcheck.mistake import sentences

Function = TypeVar("Function", bound=Callable[..., Any])


class Given(NamedTuple):
    """Arguments of one call.  about: what is special about them, in a few words."""

    about: str
    arguments: dict[str, Any]


class Mistake(NamedTuple):
    """One wrong way.  id: `softmax/rows-and-columns`, which stays.  see: where the course clears it up, see cards.py."""

    id: str
    says: str
    why: str
    hint: str
    function: Callable[..., Any]
    see: str = ""


class Most(NamedTuple):
    """What a right answer may take on one larger input, where a rule says so.  bytes: held at once beside the
    arguments; flops: of array operations, see cost.py; 0 is not judged."""

    about: str
    arguments: Callable[[np.random.Generator], dict[str, Any]]
    bytes: int = 0
    flops: int = 0

    @property
    def given(self) -> dict[str, Any]:
        return self.arguments(np.random.default_rng(20_17))


#: the rule that all exercises have
ALWAYS = "What is returned lies in no argument's memory, and the same call gives the same again, whatever came between."


@dataclass(eq=False)
class Exercise:
    """rules: what is judged beyond the formula, in sentences; nothing that no rule states is judged.  results: names
    of what is returned, with their axes: "p: (B, T, S)".  texts: the one result is a list of texts, or of tuples of
    texts; otherwise every result is an array or a number.  exact: of the relative difference that is allowed in
    float64.  step: of the topic, where it is explained.  topic: of the course, by name; an exercise in a topic's folder
    belongs to that one.  autograd: whether an answer in PyTorch is judged by the gradients that autograd finds in it;
    where nothing is said, all are but those that work out a gradient themselves."""

    name: str
    title: str
    rules: Sequence[str]
    hints: Sequence[str]
    learned: str
    results: Sequence[str]
    step: str = ""
    topic: str = ""
    level: int = 2
    exact: float = 1e-9
    keeps_dtype: bool = False
    autograd: bool | None = None
    texts: bool = False
    _stub: Callable[..., Any] | None = None
    _solution: Callable[..., Any] | None = None
    _truth: Callable[..., Any] | None = None
    _inputs: Callable[[np.random.Generator], Iterator[Given]] | None = None
    _steps: Callable[..., dict[str, Any]] | None = None
    most: Most | None = None
    cells: dict[str, Callable[..., str]] = field(default_factory=dict)
    equals: list[Callable[..., Any]] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.rules and ALWAYS not in self.rules:
            self.rules = [*self.rules, ALWAYS]

    def stub(self, function: Function) -> Function:
        self._stub = function
        return function

    def solution(self, function: Function) -> Function:
        self._solution = function
        return function

    def truth(self, function: Function) -> Function:
        self._truth = function
        return function

    def equal(self, function: Function) -> Function:
        self.equals.append(function)
        return function

    def mistake(self, function: Function) -> Function:
        slug = function.__name__.replace("_", "-")
        says, why, hint = sentences(function)
        hint, _, see = hint.partition(" See: ")
        self.mistakes.append(Mistake(f"{self.name}/{slug}", says, why, hint, function, see))
        return function

    def inputs(self, function: Function) -> Function:
        self._inputs = function
        return function

    def steps(self, function: Function) -> Function:
        """function(**arguments) -> {"name: what it is": array}; a list of arrays where several are right.  A name that
        is no name of a variable, such as "dy * n", is there for the words of the doctor alone."""
        self._steps = function
        return function

    def cell(self, function: Function) -> Function:
        """function(at, **arguments) -> `0.1*0.2 + 0.8*0.7 = 0.58`, for the step of its name."""
        self.cells[function.__name__] = function
        return function

    def stages(self, arguments: dict[str, Any]) -> dict[str, list[Any]]:
        """Name of a step -> the arrays that are right for it, in the order of the computation."""
        found = self._steps(**arguments) if self._steps else {}
        return {
            name.partition(":")[0]: [np.asarray(one) for one in (right if isinstance(right, list) else [right])]
            for name, right in found.items()
        }

    @property
    def step_names(self) -> list[str]:
        """What a learner may name, each with what it is: "scores: queries times keys, (..., T, S)"."""
        found = self._steps(**self.cases[0].arguments) if self._steps else {}
        return [name for name in found if name.partition(":")[0].isidentifier()]

    @property
    def function_name(self) -> str:
        return self.given_stub.__name__

    @property
    def given_stub(self) -> Callable[..., Any]:
        assert self._stub is not None, f"{self.name} has no stub"
        return self._stub

    @property
    def solved(self) -> Callable[..., Any]:
        assert self._solution is not None, f"{self.name} has no solution"
        return self._solution

    @property
    def right(self) -> Callable[..., Any]:
        return self._truth or self.solved

    @property
    def judges_gradients(self) -> bool:
        """Whether an answer in PyTorch is judged by what autograd finds; there is nothing to find without floats."""
        if self.autograd is False or (self.autograd is None and self.name.endswith("backward")):
            return False
        arrays = [one for case in self.cases for _, one in leaves(case.arguments) if isinstance(one, np.ndarray)]
        return any(one.dtype == np.float64 for one in arrays)

    @property
    def has_torch(self) -> bool:
        """Whether it can be answered in tensors: texts have none."""
        return not self.texts

    @cached_property
    def cases(self) -> tuple[Given, ...]:
        """The inputs, the same every time."""
        assert self._inputs is not None, f"{self.name} has no inputs"
        return tuple(self._inputs(np.random.default_rng(20_17)))

    @property
    def signature(self) -> str:
        return f"{self.function_name}{inspect.signature(self.given_stub)}"

    def starter_in(self, framework: str) -> str:
        """The file that the learner begins with."""
        library = "torch" if framework == "torch" else "numpy as np"
        stub = self.said_in(framework, source_of(self.given_stub))
        return f"{_header(self, self.rules_in(framework))}\nimport {library}\n\n\n{stub}"

    @staticmethod
    def said_in(framework: str, text: str) -> str:
        """Words about arrays, in PyTorch about tensors."""
        return in_torch(text) if framework == "torch" else text

    def rules_in(self, framework: str) -> Sequence[str]:
        """What is judged, said for the arrays of that framework."""
        return rules_in_torch(self.rules, self.judges_gradients) if framework == "torch" else self.rules

    @property
    def starter(self) -> str:
        return self.starter_in("numpy")


def source_of(function: Callable[..., Any]) -> str:
    """The source without its decorators."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith("def "))
    return "".join(lines[first:])


def _header(exercise: Exercise, rules: Sequence[str]) -> str:
    about = [f"# {exercise.title}", "#"]
    for rule in rules:
        about += textwrap.wrap(rule, 96, initial_indent="# - ", subsequent_indent="#   ")
    if exercise.step_names:
        about += ["#", "# Name these if you like, and you are told which is the first that is wrong:"]
        about += [f"#   {name}" for name in exercise.step_names]
    return "\n".join(about) + "\n"


def exercises() -> Mapping[str, Exercise]:
    """All by name: those of the packs that are in use, else those of the course."""
    packed = PACKED.get()
    return of_the_course() if packed is None else packed


@cache
def of_the_course() -> Mapping[str, Exercise]:
    """All by name, in the order of the course; in a topic by their files' names."""
    return Shelf({
        name: f"{topic.package}.exercises.{path.stem}"
        for topic in topics()
        for name, path in zip(exercise_names(topic), exercise_files(topic), strict=True)
    })  # fmt: skip


@cache
def topic_of(exercise: Exercise) -> Topic:
    """The topic in whose folder it lies, or that it names.  Raises BadInput for a name that no topic has, and
    LookupError where it has none."""
    if exercise.topic:
        return find_topic(exercise.topic)
    path = Path(inspect.getfile(exercise.given_stub)).parent.parent
    found = next((topic for topic in topics() if topic.path == path), None)
    if found is None:
        raise LookupError(f"{exercise.name} belongs to no topic")
    return found


def has_topic(exercise: Exercise) -> bool:
    """Whether it belongs to a topic of the course; one of a pack need not."""
    return bool(exercise.topic) or Path(inspect.getfile(exercise.given_stub)).is_relative_to(ROOT)


def find_exercise(name: str) -> Exercise:
    """The exercise of that name, in a pack that is in use or in the course; raises BadInput with the nearest one."""
    key = name.strip().lower().replace("_", "-")
    for known in (exercises(), of_the_course()):
        if key in known:
            return known[key]
    raise unknown_name("exercise", name, [*of_the_course(), *exercises()], "tfx practice list")
