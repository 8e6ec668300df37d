"""Where an answer depends on a convention, the stem must say which: the lexicon is conventions.toml.

A row looks at the stem of a computed item, as a reader sees it, and at the unit of its answer.  The other kinds are
judged by their words and not by a number; a row looks at them only where it says so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lessons.grading import CASES, ask
from lessons.quiz import Item, NumberCase
from tests.quiz.linter.finding import Finding

NOWHERE = r"(?!)"


@dataclass(frozen=True)
class Convention:
    """A table of conventions.toml, whose head says what its entries mean; faulty and mended are what tests hold."""

    name: str
    when: str
    needs: str
    say: str
    faulty: str
    mended: str
    unless: str = NOWHERE
    everywhere: bool = False
    case: bool = False

    def is_missing(self, stem: str, unit: str = "") -> bool:
        """Whether the answer to this stem depends on the convention, and the stem does not state it."""
        depends = self._in(self.when, f"{stem} {unit}") and not self._in(self.unless, stem)
        return depends and not self._in(self.needs, stem)

    def _in(self, pattern: str, text: str) -> bool:
        return bool(re.search(pattern, text, 0 if self.case else re.IGNORECASE))


LEXICON = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="ascii"))
CONVENTIONS = tuple(Convention(name, **row) for name, row in LEXICON.items())


def unstated_conventions(item: Item) -> Iterator[Finding]:
    """A finding for every convention on which the answer depends and of which the stem does not say a word."""
    asked = ask(item, 0)
    unit = asked.case.unit if isinstance(asked.case, NumberCase) else ""
    stem = " ".join(asked.prompt.split())
    for row in CONVENTIONS:
        if (row.everywhere or item.kind in CASES) and row.is_missing(stem, unit):
            says = (
                f'the answer to "{stem[:80]} ..." depends on a convention that the stem does not state; say {row.say}'
            )
            yield Finding(f"convention:{row.name}", says, item)
