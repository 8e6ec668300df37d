"""Records: the one way in which lessons and experiments say something.

A lesson is a walk of `Step`s, an experiment returns a `Result`; both are made of the small frozen records below and
neither prints.  `tfx_cli.render` turns them into a terminal page, plain lines, JSON, HTML or a saved plot.

Importing this module imports only the standard library: values may be NumPy arrays, lists or numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph of prose, ASCII, no markup; renderers wrap it."""

    text: str


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in plain ASCII, with the shapes it joins: `S = Q K^T` and `(T, D) x (D, S) -> (T, S)`.

    tex: its TeX twin, for pages, or nothing.
    """

    text: str
    shapes: str = ""
    tex: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix (or a vector, as one row) whose axes are named.

    values: (rows, columns); -inf marks what a mask blocked.  `axes` names rows and columns (`("query", "key")`);
    `rows` and `cols` label them (tokens, for instance) or are empty.  `note` is one sentence that says what to see.
    `focus`: the rows, from 0, that a screen shows first, the others when the reader asks; without it all are shown.
    """

    name: str
    values: Any
    axes: tuple[str, str]
    rows: tuple[str, ...] = ()
    cols: tuple[str, ...] = ()
    note: str = ""
    focus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.  `key` finds the value in a row; `digits` are significant digits of a float.

    detail: a first look at an experiment goes without it.
    """

    key: str
    label: str
    unit: str = ""
    digits: int = 4
    detail: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Typed columns and rows; a cell is a number, a string, a bool or None."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: measured points (with standard errors) or a theoretical line.  names: one for each point, or none."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    error: Sequence[float] | None = None
    kind: Literal["points", "line"] = "points"
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: the title states the finding, the axes name quantity and unit."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A live function or class: renderers show its file and line, and its source when the reader asks for it."""

    target: Any


@dataclass(frozen=True, slots=True)
class Question:
    """A number to predict before it is shown.  tolerance: relative to the answer, absolute where the answer is 0."""

    prompt: str
    answer: float
    tolerance: float
    explanation: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A statement that was put to the test.  `holds` is decided by code, from `measured` against `expected`."""

    id: str
    statement: str
    expected: float | str
    measured: float | str
    tolerance: float | str
    holds: bool


@dataclass(frozen=True, slots=True)
class Try:
    """A command that changes something here, or goes on from here.

    `Try.here(d_k=256)` is this step with another setting, `Try("tfx experiment scaling", {"mean": 0.5})` any other
    command.  When the step is shown, `command` has become complete: topic, step, and the reader's own text, seed and
    settings.
    """

    command: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    seed: int | None = None

    @classmethod
    def here(cls, text: str | None = None, seed: int | None = None, **settings: Any) -> Try:
        """This step again, with another sentence, another seed or other settings."""
        return cls("", settings, text, seed)


@dataclass(frozen=True, slots=True)
class See:
    """Another place of the course: a topic, and a step of it by name.  title and command are filled in when shown."""

    topic: str
    step: str = ""
    title: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence that people repeat, what is wrong or right about it, and what is true instead.

    verdict: "true", "true with conditions", "too strong" or "false".  claim: its id in the ledger of claims, if any.
    """

    sentence: str
    verdict: Literal["true", "true with conditions", "too strong", "false"]
    truth: str
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A paper or a book: `Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")`."""

    authors: str
    year: int
    title: str
    place: str = ""


Record = Text | Formula | Matrix | Table | Plot | Code | Question | Check | Try | See | Said | Source


@dataclass(frozen=True, slots=True)
class Step:
    """One screen of a lesson.  `name` is what links point at; `tries` are commands that change something here;
    `to_write`, at the end of a lesson, commands that begin an exercise or a derivation."""

    title: str
    records: tuple[Record, ...]
    tries: tuple[Try, ...] = ()
    name: str = ""
    to_write: tuple[str, ...] = ()

    @property
    def what_if(self) -> tuple[str, ...]:
        """The commands to try, complete."""
        return tuple(suggestion.command for suggestion in self.tries)

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was put to the test here."""
        return tuple(record for record in self.records if isinstance(record, Check))


@dataclass(frozen=True, slots=True)
class Result:
    """What an experiment measured.  `elapsed_s` is the only field that differs between equal seeds.

    partial: it was stopped; there are fewer rows, and only those checks that need no more.
    claim: what people say, with its condition; question: a number to predict.  Of `notes` the first is the finding.
    shown: the rows, from 0, of a first look.
    """

    name: str
    title: str
    seed: int
    params: Mapping[str, Any]
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    checks: tuple[Check, ...]
    plots: tuple[Plot, ...] = ()
    notes: tuple[Text, ...] = ()
    break_it: tuple[str, ...] = ()
    elapsed_s: float = field(default=0.0, compare=False)
    partial: bool = False
    claim: str = ""
    question: Question | None = None
    shown: tuple[int, ...] = ()


def to_plain_data(value: Any) -> Any:
    """Turns a record, an array or nested containers into dicts, lists, strings, numbers and None for JSON.

    Non-finite numbers become None, because JSON has no word for them.  Records carry their `kind`.
    A function in a `Code` record becomes `{"kind": "code", "name": "tfx.ops.basics.softmax.softmax_forward"}`.
    """
    if isinstance(value, Code):
        return {"kind": "code", "name": qualified_name(value.target)}
    if hasattr(value, "__dataclass_fields__"):
        fields = {name: to_plain_data(getattr(value, name)) for name in value.__dataclass_fields__}
        return {
            "kind": type(value).__name__.lower(),
            **{("style" if k == "kind" else k): v for k, v in fields.items()},
        }
    if isinstance(value, Mapping):
        return {str(key): to_plain_data(item) for key, item in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if hasattr(value, "tolist"):  # NumPy arrays and scalars, CuPy arrays
        return to_plain_data(value.tolist())
    if isinstance(value, Sequence):
        return [to_plain_data(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def qualified_name(target: Any) -> str:
    """`tfx.ops.basics.softmax.softmax_forward` for that function."""
    return f"{target.__module__}.{target.__qualname__}"
