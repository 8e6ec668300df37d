"""Draws bugs by seed and plants them: the same seed gives the same bytes.

What was drawn is said by the name of the file alone: `decoder-7`, `decoder-7-mask` where the family was chosen, and
`decoder-7-x3` with three bugs.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.practice.debug.program import FAMILIES, Bug, Program, find_program, lines_of, planted, programs
from tfx.errors import BadInput, unknown_name

NAME = re.compile(r"([a-z]+)-(\d{1,9})(?:-([a-z]+))?(?:-x([2-4]))?")
MOST = 4
#: a listing that is read in eight minutes has at most so many lines
READABLE, MINUTES = 70, 8


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
        """Whether it stands in other lines than they do."""
        mine = set(lines_of(self.program.source, bug.old))
        return all(mine.isdisjoint(lines_of(self.program.source, other.old)) for other in others)

    @cached_property
    def source(self) -> str:
        """The file that the learner begins with."""
        return self.headed(planted(self.program.source, self.bugs))

    def headed(self, source: str) -> str:
        bugs = "1 bug is" if self.count == 1 else f"{self.count} bugs are"
        return (
            f"# {self.name}: {bugs} planted below{f', of the family {self.family}' * bool(self.family)}.\n"
            f"# It should: {self.program.goal}.\n\n{source}"
        )

    def lines(self, bug: Bug) -> range:
        """Where it stands in the file as it was made, from 1."""
        return lines_of(self.source, bug.new) if bug.new in self.source else self._lines_left(bug)

    def _lines_left(self, bug: Bug) -> range:
        """Of a bug that is a text taken away: the line where it stood."""
        first = lines_of(self.headed(planted(self.program.source, [b for b in self.bugs if b is not bug])), bug.old)[0]
        return range(first, first + 1)


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
