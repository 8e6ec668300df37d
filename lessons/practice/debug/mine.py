"""A bug in a copy of an exercise that the learner has passed: one of the rewrites of their own source, drawn by seed.

It is planted only where it is proved that the exercise's judge sees it, by numbers that are wrong.  Where no rewrite of
the learner's file can be seen, the exercise's own solution is taken.
"""

from __future__ import annotations

import ast
import inspect
import zlib
from collections.abc import Set
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lessons.practice.debug.program import function_at
from lessons.practice.debug.rewrites import NAMES, Rewrite, rewrites
from lessons.practice.exercise import Exercise, source_of
from lessons.practice.judging import judge_file

#: so many rewrites are tried, each in a process of its own
TRIED = 12
#: what a judge has to say of a planted bug: it runs, and its numbers are wrong
WRONG = ("values", "not finite")


class Planted(NamedTuple):
    """What was planted in a file.  own: in the learner's source, and not in the exercise's solution."""

    rewrite: str
    line: int
    function: str
    source: str
    own: bool

    @property
    def kept(self) -> str:
        """As it stands in the history: `scale/divisor-dropped@12@softmax`."""
        return f"{NAMES[self.rewrite][0]}/{self.rewrite}@{self.line}@{self.function}"


def from_history(kept: str) -> tuple[str, str, int, str] | None:
    """Family, rewrite, line and function of what was planted; None for a line that is not like that."""
    family, _, rest = kept.partition("/")
    name, *place = rest.split("@")
    if name not in NAMES or len(place) != 2 or not place[0].isdigit():
        return None
    return family, name, int(place[0]), place[1]


def plant(
    exercise: Exercise, path: Path, source: str, seed: int, family: str = "", there: Set[str] = frozenset()
) -> Planted | None:
    """source: what the learner has passed with; `path` is where it runs.  there: what was planted before, and is taken
    again only where there is nothing else.  None where nothing can be planted.  A line is one of a file that has a line
    in front of this source."""
    for own, text in ((True, source), (False, solution_file(exercise))):
        if own and not (text and judge_file(exercise, path, text).passed):
            continue  # what is wrong already would pass for a bug
        tried = [
            Planted(one.name, one.line + 1, function_at(one.source, one.line), one.source, own)
            for one in drawn(exercise, text, seed, family)
        ]
        for one in sorted(tried, key=lambda one: one.kept in there)[:TRIED]:
            if judge_file(exercise, path, one.source).kind in WRONG:
                return one
    return None


def drawn(exercise: Exercise, source: str, seed: int, family: str = "") -> list[Rewrite]:
    """The rewrites in the order in which this seed tries them: first one of each name, as names are not equally many."""
    found = [one for one in rewrites(source) if family in ("", one.family)]
    rng = np.random.default_rng([seed, zlib.crc32(exercise.name.encode())])
    shuffled = [found[place] for place in rng.permutation(len(found))]
    names = list(dict.fromkeys(one.name for one in shuffled))
    rank = {name: place for place, name in enumerate(names[i] for i in rng.permutation(len(names)))}
    nth: dict[int, int] = {}
    for place, one in enumerate(shuffled):
        nth[place] = sum(other.name == one.name for other in shuffled[:place])
    return [shuffled[place] for place in sorted(nth, key=lambda place: (nth[place], rank[shuffled[place].name]))]


def solution_file(exercise: Exercise) -> str:
    """The exercise's own solution as a file of its own, with what its module imports from others than the lessons."""
    module = inspect.getsource(inspect.getmodule(exercise.solved) or exercise.solved)
    imports = [
        ast.unparse(node) for node in ast.parse(module).body
        if (isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and node.module != "__future__"))
        and "lessons" not in ast.unparse(node) and "tfx" not in ast.unparse(node)
    ]  # fmt: skip
    source = source_of(exercise.solved).replace("def solution(", f"def {exercise.function_name}(", 1)
    return "\n".join(imports) + f"\n\n\n{source}"
