"""Draws bugs by seed and plants them: the same seed gives the same bytes.

What was drawn is said by the name of the file alone: `decoder-7`, `decoder-7-mask` where the family was chosen, and
`decoder-7-x3` with three bugs.
"""

from __future__ import annotations

import re
import textwrap
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from lessons.practice.debug.program import FAMILIES, Bug, Program, find_program, lines_of, planted, programs
from tfx.errors import BadInput, unknown_name

NAME = re.compile(r"([a-z]+)-(\d{1,9})(?:-([a-z]+))?(?:-x([2-4]))?")
MOST = 4
#: a listing that is read in eight minutes has at most so many lines
READABLE, MINUTES = 70, 8


class Change(NamedTuple):
    """line: the first one, from 1.  wrong: lines as they are planted; right: as they were."""

    line: int
    wrong: tuple[str, ...]
    right: tuple[str, ...]

    @property
    def lines(self) -> range:
        """Where a reader may point: every planted line; where lines are missing, the one before and the one after."""
        return range(self.line, self.line + len(self.wrong)) if self.wrong else range(self.line - 1, self.line + 1)


@dataclass(frozen=True)
class Puzzle:
    """A program with `count` bugs; family: of all of them, or nothing for any."""

    program: Program
    seed: int
    family: str = ""
    count: int = 1

    @property
    def name(self) -> str:
        return f"{self.program.name}-{self.seed}{f'-{self.family}' * bool(self.family)}{f'-x{self.count}' * (self.count > 1)}"

    @cached_property
    def bugs(self) -> tuple[Bug, ...]:
        """In the order of the program."""
        rng = np.random.default_rng([self.seed, zlib.crc32(self.program.name.encode())])
        bugs = [self.program.bugs[place] for place in rng.permutation(len(self.program.bugs))]
        chosen: list[Bug] = []
        for bug in bugs:
            if len(chosen) < self.count and self.family in ("", bug.family) and self._apart(bug, chosen):
                chosen.append(bug)
        return tuple(sorted(chosen, key=lambda bug: self.program.source.index(bug.old)))

    def _apart(self, bug: Bug, others: Sequence[Bug]) -> bool:
        """Whether it stands in other lines than they do, and finds its text with them planted."""
        if not all(self._place(bug).isdisjoint(self._place(other)) for other in others):
            return False
        everyone = sorted([*others, bug], key=lambda one: self.program.source.index(one.old))
        try:
            planted(self.program.source, everyone)
        except ValueError:
            return False
        return True

    def _place(self, bug: Bug) -> set[int]:
        """Its lines; where lines are missing also those on both sides, which are what a reader names."""
        lines = lines_of(self.program.source, bug.old)
        around = int(bug.new.count("\n") < bug.old.count("\n"))
        return set(range(lines.start - around, lines.stop + around))

    @cached_property
    def source(self) -> str:
        """The file that the learner begins with."""
        return self.headed(planted(self.program.source, self.bugs))

    def headed(self, source: str) -> str:
        bugs = "1 bug is" if self.count == 1 else f"{self.count} bugs are"
        first = f"{self.name}: {bugs} planted below{f', of the family {self.family}' * bool(self.family)}."
        about = textwrap.wrap(f"What is meant: {self.program.goal}.", 72)
        return "".join(f"# {line}\n" for line in (first, *about)) + f"\n{source}"

    def change(self, bug: Bug) -> Change:
        """What it is in the file as it was made."""
        right = self.headed(planted(self.program.source, [one for one in self.bugs if one is not bug])).split("\n")
        wrong = self.source.split("\n")
        first = next(place for place, (a, b) in enumerate(zip(right, wrong, strict=False)) if a != b)
        same = next(place for place, (a, b) in enumerate(zip(right[::-1], wrong[::-1], strict=False)) if a != b)
        same = min(same, len(right) - first, len(wrong) - first)
        return Change(first + 1, tuple(wrong[first : len(wrong) - same]), tuple(right[first : len(right) - same]))


def puzzle_named(name: str) -> Puzzle:
    """The puzzle of a file's name.  Raises BadInput where there is none such."""
    found = NAME.fullmatch(name)
    if not found:
        raise BadInput(f'"{name}" is no name of a puzzle.', "Such as decoder-7. See yours: tfx practice debug")
    program, seed, family, count = found.groups()
    return puzzle(find_program(program), int(seed), family or "", int(count or 1))


def puzzle(program: Program, seed: int, family: str = "", count: int = 1) -> Puzzle:
    """Raises BadInput where the program has not so many bugs of that family in lines of their own."""
    known_family(family)
    if not 1 <= count <= MOST:
        raise BadInput(f"--bugs is 1 to {MOST}.", "For example: tfx practice debug start decoder --bugs 2")
    made = Puzzle(program, seed, family, count)
    if len(made.bugs) < count:
        there = len(made.bugs) or "none"
        raise BadInput(
            f"{program.name} has {there} of the family {family} in lines of their own.", _where(family, program)
        )
    return made


def known_family(family: str) -> str:
    if family and family not in FAMILIES:
        raise unknown_name("family of bugs", family, FAMILIES, "tfx practice debug")
    return family


def _where(family: str, program: Program) -> str:
    others = [one.name for one in programs().values() if any(bug.family == family for bug in one.bugs)]
    return f"Ask for fewer, or for a program that has: {', '.join(name for name in others if name != program.name)}"


def program_drawn(seed: int, family: str = "", readable: bool = False, count: int = 1) -> Program:
    """By the seed alone: a program that has such bugs, short enough to be read if need be."""
    fits = [
        one for one in programs().values()
        if len(Puzzle(one, seed, family, count).bugs) == count and (not readable or one.lines <= READABLE)
    ]  # fmt: skip
    if not fits:
        raise BadInput(f"no program has {count} bugs of the family {family} in lines of their own.", "Ask for fewer.")
    return fits[int(np.random.default_rng(seed).integers(len(fits)))]
