"""Quiz items: what stands in a topic's `quiz.toml` and `numbers.py`, and how it is read.

A topic's folder holds `quiz.toml`, a list of `[[item]]` tables, and `numbers.py`, the functions that compute what
the number and shape items ask.  No answer that is a number is ever typed in: it is computed when the item is asked.

Every item
    id          "<topic name>/<slug>", stable for ever: the reader's history hangs on it.  New meaning = new id
    kind        "choice" | "several" | "number" | "shape" | "order" | "open" | "estimate"
    level       1 recall, 2 use, 3 derive or judge
    prompt      the question.  Lines join into paragraphs; a line indented by two spaces stays as it is (formulas)
    explain     why the right answer is right, in one to three sentences; shown after every answer
    questions   ids of the interview questions that this item trains, as in the topic's line of course.toml; none where
                the topic has none
    see         optional: the name of the step that shows it (`tfx explain TOPIC --step NAME`)

Text is plain ASCII.  A misconception is a short lower-case noun phrase ("variance for deviation"); use the same
words wherever the same mistake is meant, because `tfx quiz --stats` counts them.

choice, several     one right option, or one and more; options are shown in an order drawn from the seed, so no
                    "all of the above".  At least two wrong options (several: one), each with its misconception and
                    its why.  How many are right in a `several` item varies from item to item.

    [[item.option]]
    text = "sqrt(d_k)"
    correct = true

    [[item.option]]
    text = "d_k"
    misconception = "variance for deviation"
    why = "d_k is the variance of the score; its spread is the root of that."

number, shape       `compute = "name"` is a function in numbers.py.  Prompt and explain are formatted with `values`
                    (and explain with {answer} too), so that a literal brace is written twice.

    def name(rng: np.random.Generator) -> NumberCase:
        d = int(rng.choice([32, 64, 128]))
        ...                                          # the truth comes from tfx's own operations
        return NumberCase(
            values={"d": d}, answer=..., tolerance=0.01, unit="",
            wrong=(Wrong(float(d), "variance for deviation", f"{d} is the variance."),),
        )

                    tolerance is relative (0 = exact up to rounding).  Each Wrong is the value that the misconception
                    would give.  At least one Wrong; no two, and none and the truth, may be within twice the tolerance
                    of each other: `@told_apart` (lessons/telling_apart.py) draws again until they are not.  A shape
                    is the same with ShapeCase and tuples.

order               `steps`, at least three, in the right order (shown shuffled), and at least one
    [[item.mistake]]
    puts = 4                   # this step (counted from 1 in the right order) ...
    before = 2                 # ... put before that one
    misconception = "mask after softmax"
    why = "Weights that were normalised with blocked keys no longer sum to one."

estimate            a number of the kind that is worked out in one's head, with a unit, right within 10%.  `compute` as
                    above, with EstimateCase (lessons/estimates/building.py); `about` names the topic of the course
                    that explains it, whose step `see` is; every item of a deck (lessons/decks.py) names one.

open                `key_points`, three to seven, what a good spoken answer says.  The reader answers, sees the points
                    and marks those that were said.

Raises BadCourseFile, which names file and item, when anything of this does not hold.  Imports no NumPy.  Whether an item
gives its answer away, or depends on a convention that it does not state, is what tests/quiz/linter looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from lessons.course import Topic, topics
from lessons.course_file import BadCourseFile, read_toml
from lessons.decks import DECKS, is_deck

Kind = Literal["choice", "several", "number", "shape", "order", "open", "estimate"]


@dataclass(frozen=True)
class Wrong:
    """The value that a named misconception leads to, and why it is not the answer."""

    value: float | tuple[int, ...]
    misconception: str
    why: str


@dataclass(frozen=True)
class NumberCase:
    """One drawing of a number item.  `tolerance` is relative; 0 asks for the exact number, up to rounding."""

    values: Mapping[str, object]
    answer: float
    wrong: tuple[Wrong, ...]
    tolerance: float = 0.01
    unit: str = ""


@dataclass(frozen=True)
class EstimateCase(NumberCase):
    """One drawing of an estimate.  lines: how the number is built, one step a line.  near: how close, as a share, an
    answer must come to the value of a mistake to be told that mistake."""

    tolerance: float = 0.1
    lines: tuple[str, ...] = ()
    near: float = 0.05


@dataclass(frozen=True)
class ShapeCase:
    """One drawing of a shape item."""

    values: Mapping[str, object]
    answer: tuple[int, ...]
    wrong: tuple[Wrong, ...]


@dataclass(frozen=True)
class Option:
    text: str
    correct: bool = False
    misconception: str = ""
    why: str = ""


@dataclass(frozen=True)
class Mistake:
    """Step `puts` placed before step `before`, both counted from 1 in the right order."""

    puts: int
    before: int
    misconception: str
    why: str


@dataclass(frozen=True)
class Item:
    """One quiz item as written; `lessons.grading.ask` draws a question from it."""

    id: str
    topic: str
    kind: Kind
    level: int
    prompt: str
    explain: str
    questions: tuple[str, ...]
    see: str = ""
    options: tuple[Option, ...] = ()
    steps: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    key_points: tuple[str, ...] = ()
    compute: str = ""
    package: str = ""  # where numbers.py lives, for computed items
    about: str = ""  # in a deck: the topic that explains it

    @property
    def explained_by(self) -> str:
        """The topic whose lesson shows what the item is about."""
        return self.about or self.topic


_EVERY = {"id", "kind", "level", "prompt", "explain", "questions"}
_OWN = {  # kind -> keys that it must have besides
    "choice": {"option"},
    "several": {"option"},
    "number": {"compute"},
    "shape": {"compute"},
    "estimate": {"compute", "about"},
    "order": {"steps", "mistake"},
    "open": {"key_points"},
}


def all_items() -> tuple[Item, ...]:
    """Every item: topics in course order, then the decks; within each by level, then as written."""
    found = [item for one in (*topics(), *DECKS) for item in sorted(topic_items(one), key=lambda item: item.level)]
    return tuple(found)


@cache
def topic_items(topic: Topic) -> tuple[Item, ...]:
    """The items of one topic or deck, as written; none when it has no quiz.toml."""
    path = topic.path / "quiz.toml"
    return read_items(path, topic.name, topic.package) if path.is_file() else ()


def read_items(path: Path, topic: str, package: str) -> tuple[Item, ...]:
    """Reads one quiz.toml.  Raises BadCourseFile naming file and item."""
    tables = read_toml(path)[1]
    if set(tables) != {"item"} or not isinstance(tables["item"], list):
        raise BadCourseFile(f"{path}: holds only [[item]] tables, but has {', '.join(sorted(tables)) or 'nothing'}")
    items: list[Item] = []
    for number, table in enumerate(tables["item"], start=1):
        try:
            item = _read_item(table, topic, package)
            _require(item.id not in {other.id for other in items}, "the id is used twice")
        except (_Fault, AttributeError, LookupError, RecursionError, TypeError, ValueError) as fault:
            name = table.get("id", f"number {number}") if isinstance(table, dict) else f"number {number}"
            raise BadCourseFile(f"{path}: item {name}: {fault}") from None
        items.append(item)
    return tuple(items)


class _Fault(Exception):
    """What is wrong with one item; read_items adds where."""


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise _Fault(rule)


def _read_item(table: Mapping[str, Any], topic: str, package: str) -> Item:
    kind = table.get("kind")
    _require(kind in get_args(Kind), f"kind must be one of {', '.join(get_args(Kind))}, not {kind!r}")
    needed = _EVERY | _OWN[str(kind)]
    _require(not (missing := needed - set(table)), f"needs {', '.join(sorted(missing))}")
    texts = ("id", "prompt", "explain", "compute", "about")
    _require(not (odd := [key for key in texts if not isinstance(table.get(key, ""), str)]), f"{odd} must be text")
    more = {"see", "about"} if is_deck(topic) else {"see"}
    _require(not (extra := set(table) - needed - more), f"a {kind} item has no {', '.join(sorted(extra))}")
    _require("about" in table or not is_deck(topic), "an item of a deck needs about")
    _require(all(text.isascii() for text in _texts(table)), "text must be plain ASCII")
    _require(all(text.strip() for text in _texts(table)), "has an empty text")
    item = Item(
        id=table["id"],
        topic=topic,
        kind=table["kind"],
        level=table["level"],
        prompt=table["prompt"].strip("\n"),
        explain=table["explain"].strip("\n"),
        questions=tuple(table["questions"]),
        see=table.get("see", ""),
        options=tuple(Option(**option) for option in table.get("option", ())),
        steps=tuple(table.get("steps", ())),
        mistakes=tuple(Mistake(**mistake) for mistake in table.get("mistake", ())),
        key_points=tuple(table.get("key_points", ())),
        compute=table.get("compute", ""),
        package=package,
        about=table.get("about", ""),
    )
    slug = item.id.removeprefix(topic + "/")
    _require(
        slug != item.id and slug.replace("-", "").isalnum(), f'id must be "{topic}/" and a slug such as std-of-sum'
    )
    _require(item.level in (1, 2, 3), "level must be 1, 2 or 3")
    _require(not item.see or (isinstance(item.see, str) and item.see.isidentifier()), "see must be the name of a step")
    if item.kind in ("choice", "several"):
        _check_options(item)
    elif item.kind == "order":
        _check_order(item)
    elif item.kind == "open":
        _require(3 <= len(item.key_points) <= 7, f"has {len(item.key_points)} key points; three to seven are asked for")
    return item


def _check_options(item: Item) -> None:
    right = [option for option in item.options if option.correct]
    wrong = [option for option in item.options if not option.correct]
    _require(len({option.text for option in item.options}) == len(item.options), "two options have the same text")
    _require(len(item.options) <= 9, "has more than nine options")
    _require(len(right) == 1 if item.kind == "choice" else len(right) >= 1, f"has {len(right)} right options")
    fewest, words = (2, "two wrong options") if item.kind == "choice" else (1, "one wrong option")
    _require(len(wrong) >= fewest, f"needs at least {words}")
    for option in wrong:
        _require(bool(option.misconception and option.why), f'option "{option.text}" needs a misconception and a why')
    for option in right:
        _require(not option.misconception, f'option "{option.text}" is right, yet names a misconception')


def _check_order(item: Item) -> None:
    _require(3 <= len(item.steps) <= 9, f"has {len(item.steps)} steps; three to nine are asked for")
    _require(len(set(item.steps)) == len(item.steps), "two steps are the same")
    _require(bool(item.mistakes), "needs at least one mistake")
    for mistake in item.mistakes:
        fits = 1 <= mistake.before < mistake.puts <= len(item.steps)
        _require(fits, f"mistake puts {mistake.puts} before {mistake.before}: not two steps in the wrong order")


def _texts(value: object) -> list[str]:
    """Every string inside a TOML table."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return []
