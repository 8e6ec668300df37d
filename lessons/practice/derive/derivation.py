"""What a derivation is: `lessons/MODULE/TOPIC/derivations/NAME.py`, and in it a `derivation`; its slips stand there
too, or in `NAME_slips.py` beside it.

    derivation = Derivation("softmax", "Backward through softmax", about="...", axes={"N": "queries", "M": "keys"},
        given=[Symbol("S", "N M", "the scores"), Symbol("P", "N M", "the weights", by="softmax(S)"), ...],
        targets=[Target("dS", "N M", "the gradient of the loss for S")], hints=[...], learned="...",
        shown=[Shown("dS = P*(dP - sum(dP*P))", "why")])

    @derivation.truth                       the library's own backward, from the given arrays and sizes to the targets
    derivation.slip(name, line, says, why, hint)      a wrong line for one target; its target stands left of the sign =
    derivation.equal(line, ...)                       another way to write it, which has to hold

Everything is worked out on several drawings.  In each of them all axes have different sizes, none of which is 1, 4 or
another square, and every axis has another size in each, so that no two constants can be the same by chance: at D = 4,
2/sqrt(D) is 1.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lessons.course import Topic, topics
from lessons.exercise_names import derivation_files
from lessons.practice.derive.formula import Line, read_formula, read_line
from lessons.practice.derive.working_out import Scope, work_out
from tfx.backend import Array
from tfx.errors import unknown_name

Arrays = dict[str, Array]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]
Truth = Callable[[Arrays], Arrays]

#: the sizes of the axes in each drawing, in the order in which a derivation names its axes
SIZES = ((3, 7, 5, 11, 13), (7, 5, 13, 3, 11), (5, 11, 3, 13, 7))


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape)


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Between 0.5 and 2."""
    return rng.uniform(0.5, 2.0, shape)


def gain(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Between 0.5 and 2 in size, and some of each sign."""
    signs = rng.permuted(np.arange(np.prod(shape)) % 2 * 2.0 - 1.0).reshape(shape)
    return signs * positive(rng, shape)


def fraction(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Between 0.2 and 0.8: a smoothing."""
    return rng.uniform(0.2, 0.8, shape)


def decay(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Between 0.6 and 0.9: what is kept at a step."""
    return rng.uniform(0.6, 0.9, shape)


def zero_or_one(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Some of each."""
    drawn = rng.permuted(np.arange(np.prod(shape)) % 3 > 0).astype(float)
    return drawn.reshape(shape)


def labels(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Classes from 0 to 4, the first and the last among them."""
    return rng.permuted(np.arange(np.prod(shape)) * 2 % 5).astype(float).reshape(shape)


def count(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A whole number from 3 to 6."""
    return rng.integers(3, 7, shape).astype(float)


class Symbol(NamedTuple):
    """axes: letters, "N D", or 1 for one that mean keeps; nothing for a number.  by: the formula over earlier ones from which it comes; without one
    it is drawn."""

    name: str
    axes: str
    says: str
    by: str = ""
    draw: Draw = normal


class Target(NamedTuple):
    """What a line has to be found for."""

    name: str
    axes: str
    says: str


class Slip(NamedTuple):
    """One wrong line.  id: `derive/softmax/cross-terms-missing`, which stays."""

    id: str
    line: str
    says: str
    why: str
    hint: str

    @property
    def target(self) -> str:
        return self.read.name

    @property
    def read(self) -> Line:
        return read_line(self.line)


class Shown(NamedTuple):
    """A line of the derivation as it is shown at the end, and why it is so."""

    line: str
    why: str


class Drawing(NamedTuple):
    """sizes: letter of an axis -> size.  given: the arrays of the symbols.  truth: those of the targets."""

    sizes: Mapping[str, int]
    given: Arrays
    truth: Arrays


@dataclass(eq=False)
class Derivation:
    """about: sentences before any symbol.  axes: letter -> what it counts.  also: other names of symbols and targets.
    learned: said when all targets hold.  step: of its topic, where it is explained.  asked: id of the question of the
    mock interview that asks for it."""

    name: str
    title: str
    about: str
    axes: Mapping[str, str]
    given: Sequence[Symbol]
    targets: Sequence[Target]
    hints: Sequence[str]
    learned: str
    shown: Sequence[Shown]
    also: Mapping[str, str] = field(default_factory=dict)
    step: str = ""
    asked: str = ""
    slips: list[Slip] = field(default_factory=list)
    equals: list[tuple[str, ...]] = field(default_factory=list)
    _truth: Truth | None = None

    def truth(self, function: Truth) -> Truth:
        self._truth = function
        return function

    def slip(self, name: str, line: str, says: str, why: str, hint: str) -> None:
        self.slips.append(Slip(f"derive/{self.name}/{name}", line, says, why, hint))

    def equal(self, *lines: str) -> None:
        """Lines that are typed one after another; helper lines may stand before those of targets."""
        self.equals.append(lines)

    @property
    def true_derivative(self) -> Truth:
        assert self._truth is not None, f"{self.name} has no truth"
        return self._truth

    @cached_property
    def drawings(self) -> tuple[Drawing, ...]:
        """The same every time."""
        return tuple(self._drawing(number, sizes) for number, sizes in enumerate(SIZES))

    def _drawing(self, number: int, sizes: Sequence[int]) -> Drawing:
        rng = np.random.default_rng((20_17, number))
        named = dict(zip(self.axes, sizes, strict=False))
        scope = Scope(named, {}, self.words, self.also)
        for symbol in self.given:
            shape = tuple(named.get(letter, 1) for letter in symbol.axes.split())
            if symbol.by:
                scope.arrays[symbol.name] = work_out(read_formula(symbol.by), scope).reshape(shape)
            else:
                scope.arrays[symbol.name] = np.asarray(symbol.draw(rng, shape), dtype=float)
        sizes_too = {**scope.arrays, **{letter: np.float64(size) for letter, size in named.items()}}
        truth = {name: np.asarray(value, dtype=float) for name, value in self.true_derivative(sizes_too).items()}
        return Drawing(named, scope.arrays, truth)

    @property
    def words(self) -> dict[str, str]:
        """What an axis is called -> its letter: each word of its own, such as keys."""
        found: dict[str, str] = {}
        for letter, says in self.axes.items():
            for word in says.lower().split():
                found.setdefault(word, letter)
        return found

    def target(self, name: str) -> Target | None:
        return next((target for target in self.targets if target.name == name), None)


@cache
def derivations() -> dict[str, Derivation]:
    """All by name, in the order of the course; in a topic by their files' names."""
    found: dict[str, Derivation] = {}
    for topic in topics():
        for path in derivation_files(topic):
            name = f"{topic.package}.derivations.{path.stem}"
            one: Derivation = importlib.import_module(name).derivation
            if path.with_name(f"{path.stem}_slips.py").exists():
                importlib.import_module(f"{name}_slips")
            found[one.name] = one
    return found


@cache
def derivation_topic(derivation: Derivation) -> Topic:
    """The topic in whose folder it lies."""
    path = Path(inspect.getfile(derivation.true_derivative)).parent.parent
    return next(topic for topic in topics() if topic.path == path)


def find_derivation(name: str) -> Derivation:
    """The derivation of that name; raises BadInput with the nearest one."""
    known = derivations()
    key = name.strip().lower().replace("_", "-")
    if key not in known:
        raise unknown_name("derivation", name, known, "tfx practice derive")
    return known[key]
