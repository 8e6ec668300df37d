"""How a lesson is written: a step is a generator, and what it yields is what the reader sees, in that order.

    lesson = Lesson(Run, Settings)

    @lesson.step("Variances of uncorrelated terms add: Var(q.k) = d_k")
    def the_sum(run):
        variance, error = variance_with_error(run.scores)
        yield formula("Var(q.k) = sum_i Var(q_i k_i) = d_k     standard deviation sqrt(d_k)")
        yield f"Measured over {run.pairs:,} pairs: variance {variance:.2f} +- {error:.2f}."
        yield near("sum", "Var(q.k) = d_k", run.d_k, variance, error)
        yield attention_forward
        yield Try.here(d_k=256)

A bare string is a paragraph, a bare function or class is its own code, everything else is a record.  What is computed
stands beside what shows it.  The name of a step is the function's; links point at it and never at a number.

`Run(request)` makes what the steps share.  A step that draws random numbers takes a second argument, a generator of its
own: its numbers follow from the seed and its name, whatever ran before it.  So each step can be run alone, and is run
only when it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.request import Request
from tfx.errors import unknown_name
from tfx.measure.verdicts import agree, at_least, at_most, between, exactly, near, within
from tfx.records import (
    Check,
    Code,
    Column,
    Formula,
    Matrix,
    Plot,
    Question,
    Record,
    Said,
    See,
    Series,
    Source,
    Table,
    Text,
    Try,
)
from tfx.settings import setting

__all__ = [
    "Check",
    "Lesson",
    "Matrix",
    "Plot",
    "Request",
    "Said",
    "See",
    "Shown",
    "Source",
    "Table",
    "Try",
    "agree",
    "at_least",
    "at_most",
    "between",
    "by_hand",
    "exactly",
    "formula",
    "lines",
    "matrix",
    "near",
    "numbered",
    "proof",
    "question",
    "setting",
    "table",
    "within",
]

Shown = Any  # a record, a paragraph, or a function to be shown as code
Write = Callable[..., Iterator[Shown]]


@dataclass(frozen=True)
class NoSettings:
    """A topic with nothing to change."""


@dataclass(frozen=True)
class Scene:
    """A step as it is written, before it runs.  when: whether this run has it at all."""

    name: str
    title: str
    write: Write
    when: Callable[[Any], bool]


class Lesson:
    """The steps of a topic, in the order of the file.

    start: makes what the steps share from a `Request`; a class with `__init__(self, request)`, usually.
    settings: the dataclass of what `--set` changes.  text: the sentence that the topic reads when the reader gives
    none, or None when it reads none.  trained: whether it runs trained weights, so that `--untrained` means something.
    """

    def __init__(
        self,
        start: Callable[[Request], Any],
        settings: type = NoSettings,
        text: str | None = None,
        trained: bool = False,
    ) -> None:
        self.start = start
        self.settings = settings
        self.text = text
        self.trained = trained
        self.scenes: list[Scene] = []

    def step(
        self, title: str, write: Write | None = None, *, name: str = "", when: Callable[[Any], bool] = lambda run: True
    ) -> Any:
        """Adds a step: a decorator, or with `write` at once.  name: the function's, unless told.

        Raises ValueError when two steps share a name.
        """

        def added(write: Write) -> Write:
            scene = Scene(name or write.__name__, title, write, when)
            if scene.name in {earlier.name for earlier in self.scenes}:
                raise ValueError(f"two steps are called {scene.name}")
            self.scenes.append(scene)
            return write

        return added if write is None else added(write)

    def title_of(self, name: str) -> str:
        """The title of the step `name`.  Raises BadInput with the nearest name when there is none."""
        titles = {scene.name: scene.title for scene in self.scenes}
        if name not in titles:
            raise unknown_name("step", name, titles, "tfx explain")
        return titles[name]

    def unused(self, request: Request) -> tuple[str, ...]:
        """The options of the request that this topic has no use for."""
        without_text = request.text is not None and self.text is None
        without_weights = request.untrained and not self.trained
        return ("--text",) * without_text + ("--untrained",) * without_weights


def as_record(shown: Shown) -> Record:
    """A paragraph, code or record as a record.  Raises TypeError for anything else."""
    if isinstance(shown, str):
        return Text(shown)
    if isinstance(shown, Record):
        return shown
    if callable(shown):
        return Code(shown)
    raise TypeError(f"a step yields records, paragraphs and functions, not {type(shown).__name__}")


formula = Formula


def question(prompt: str, answer: float, why: str, tolerance: float = 0.02, unit: str = "") -> Question:
    """A number to predict.  tolerance: relative to the answer, absolute where that is 0; 0 for a count."""
    return Question(prompt, float(answer), tolerance, why, unit)


def table(title: str, rows: Sequence[Mapping[str, Any]], **labels: str) -> Table:
    """Rows by name -> a table.  labels: `d_k="d_k", share="raw < 0.01 [share] :2"`, that is label [unit] :digits."""
    return Table(title, tuple(_column(key, label) for key, label in labels.items()), tuple(rows))


_LABEL = re.compile(r"(?P<text>.*?)(?: \[(?P<unit>[^]]*)\])?(?: :(?P<digits>\d+))?")


def _column(key: str, label: str) -> Column:
    found = _LABEL.fullmatch(label)
    assert found is not None  # the pattern takes any line
    return Column(key, found["text"], found["unit"] or "", int(found["digits"] or 4))


def matrix(
    name: str,
    values: Any,
    axes: str = "query, key",
    rows: Sequence[str] = (),
    cols: Sequence[str] = (),
    note: str = "",
    focus: Sequence[int] = (),
) -> Matrix:
    """A matrix, or a vector as one row.  axes: what rows and columns are; labels that are left out count from 1.

    focus: the rows that a screen shows first, from 0.
    """
    values = np.atleast_2d(values)
    rows, cols = (tuple(given) or numbered(n) for given, n in zip((rows, cols), values.shape, strict=True))
    first, _, second = axes.partition(", ")
    return Matrix(name, values, (first, second), rows, cols, note, tuple(focus))


def numbered(n: int, letter: str = "") -> tuple[str, ...]:
    """`1, 2, 3`, or `k1, k2, k3`."""
    return tuple(f"{letter}{i + 1}" for i in range(n))


def by_hand(a: np.ndarray, b: np.ndarray, shown: int = 4, written: Callable[[float], str] = "{:.2f}".format) -> str:
    """`(0.81)(1.20) + (-0.33)(-0.95) + ...`: the start of a dot product written out.  written: how a number looks."""
    terms = " + ".join(f"({written(x)})({written(y)})" for x, y in zip(a[:shown], b[:shown], strict=True))
    return terms + (" + ..." if a.size > shown else "")


def lines(x: Sequence[float], **curves: Sequence[float] | Callable[[float], float]) -> tuple[Series, ...]:
    """Curves over the same x: points, or a function of x.  The label is the name, with blanks for underscores."""
    return tuple(
        Series(name.replace("_", " "), list(x), [y(at) for at in x] if callable(y) else list(y), kind="line")
        for name, y in curves.items()
    )


def proof(what: str, forward: Any, backward: Any, inputs: Mapping[str, Any], to: float = 1e-9) -> Check:
    """`gradient check of ...`: the hand-derived backward against differences of the forward."""
    from tfx.gradcheck import check_gradients

    worst = check_gradients(forward, backward, inputs, seed=0).worst
    return within("gradcheck", f"gradient check of {what}: worst relative error", 0.0, worst, to)
