"""The screen of watch mode, cut to fit: whatever a verdict has to say, the verdict itself, the last hint, how far the
reader is, the file and the keys are on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tfx.errors import many
from tfx_cli.practice.framework import Framework
from tfx_cli.practice.page import after_lines, evidence_lines, printed_lines, sentence_of
from tfx_cli.render.wrapping import packed, wrapped
from tfx_cli.terminal.cells import cells
from tfx_cli.terminal.console import PROSE, wants_color

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise
    from lessons.practice.judging import Verdict
    from tfx_cli.practice.learning import Look

#: terminals that would show the letters of a link
LINKLESS = ("linux", "dumb")


#: what gives way where the screen is too small, in turn: the block, and how many rows of it stay
CUTS = (
    ("printed", 4), ("evidence", 4), ("printed", 1), ("notes", 4), ("older hints", 0), ("naming", 6), ("evidence", 1),
    ("naming", 3), ("printed", 0), ("evidence", 0), ("notes", 0), ("naming", 0), ("hint", 2), ("verdict", 2),
)  # fmt: skip
#: blocks whose last lines say most
FROM_END = ("evidence", "older hints")


def rows_of(lines: Sequence[str], columns: int) -> int:
    return sum(max(-(-cells(line) // columns), 1) for line in lines)


def fitted(blocks: Mapping[str, Sequence[str]], columns: int, room: int, more: str) -> list[str]:
    """The lines of all blocks in at most `room` rows, see CUTS.  more: the command that shows everything."""
    shown = {name: list(lines) for name, lines in blocks.items()}
    for name, least in CUTS:
        over = sum(rows_of(lines, columns) for lines in shown.values()) - room
        if over > 0 and name in shown:
            left = max(rows_of(shown[name], columns) - over, least)
            shown[name] = _cut(blocks[name], columns, left, more, name in FROM_END)
    lines = [line for lines in shown.values() for line in lines]
    return [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]


def _cut(lines: Sequence[str], columns: int, room: int, more: str, from_end: bool) -> list[str]:
    """As many lines as fit into `room` rows, with a line that says how many are left out."""
    if rows_of(lines, columns) <= room:
        return list(lines)
    if room <= 0:
        return []
    if room == 1 and lines[0].endswith(":"):
        return [f"{lines[0][:-1]} {many(len(lines) - 1, 'line')}."]
    gap, lines = ([""], lines[1:]) if not lines[0] and room > 1 else ([], lines)
    kept: list[str] = []
    for line in reversed(lines) if from_end else lines:
        if rows_of([*gap, *kept, line], columns) > room - 1:
            break
        kept.append(line)
    says = f"  ... {many(len(lines) - len(kept), 'more line' if kept else 'line')}: {more}"
    if cells(says) > columns:
        says = says.partition(":")[0]
    return [*gap, says, *reversed(kept)] if from_end else [*gap, *kept, says]


def status(passed: int, every: int, path: Path, columns: int) -> list[str]:
    """How far the reader is, and the file; on a line each where both have no room on one."""
    size = 20 if columns >= 60 else 10
    bar = "#" * round(size * passed / every)
    far = f"[{bar:-<{size}}] {passed}/{every}"
    whole = f"{far}   {path}"
    return [whole] if cells(whole) <= columns else [far, str(path)]


def key_lines(keys: Sequence[str], columns: int) -> str:
    """`h hint   n next`, on as many lines as it takes; the cursor rests behind the last."""
    return "\n".join(f"  {line}" for line in packed(keys, columns - 3).split("\n"))


@dataclass(frozen=True)
class Sheet:
    """What one screen of an exercise says.  notes: sentences, or lines that begin with a blank and stay as they are."""

    exercise: Exercise
    path: Path
    verdict: Verdict | None
    look: Look | None
    notes: Sequence[str]
    hints: Sequence[str]

    @property
    def title(self) -> str:
        return f"{self.exercise.title} ({self.exercise.name})"

    @property
    def loud(self) -> tuple[str, ...]:
        """Lines in bold, where there is such a thing."""
        return (self.title, *(wrapped(sentence_of(self.verdict), PROSE)[:1] if self.verdict else ()))

    def lines(self, columns: int, rows: int, passed: int, every: int, keys: Sequence[str]) -> list[str]:
        """All but the foot, in what that leaves of the screen."""
        wide = min(columns, PROSE)
        head = [*wrapped(self.title, wide), ""]
        foot = [*status(passed, every, self.path, columns), *key_lines(keys, columns).split("\n")]
        words = Framework(self.verdict.framework).words if self.verdict else ""
        more = f"tfx practice check {self.exercise.name}{words}"
        room = rows - rows_of(head, columns) - rows_of(foot, columns) - 1
        return [
            *head,
            *fitted(self._blocks(wide), columns, max(room, 3), more),
            "",
        ]

    def _blocks(self, wide: int) -> dict[str, list[str]]:
        verdict = self.verdict
        blocks: dict[str, list[str]] = {}
        if verdict is not None:
            blocks["printed"] = list(printed_lines(verdict))[:-1]
            blocks["verdict"] = [*([""] if verdict.printed else []), *wrapped(sentence_of(verdict), wide)]
            blocks["evidence"] = list(evidence_lines(verdict, wide))
            blocks["naming"] = list(after_lines(verdict, self.look, wide))
        notes = [part for note in self.notes for part in ([note] if note.startswith(" ") else wrapped(note, wide))]
        blocks["notes"] = [*([""] if verdict else []), *notes] if notes else []
        *older, newest = [wrapped(hint, wide) for hint in self.hints] or [[]]
        blocks["older hints"] = ["", *(line for hint in older for line in hint)] if older else []
        blocks["hint"] = ["", *newest] if newest else []
        return blocks

    def foot(self, columns: int, passed: int, every: int, keys: Sequence[str]) -> str:
        """How far the reader is, the file, and the keys."""
        state = "\n".join(status(passed, every, self.path, columns)).replace(str(self.path), link_to(self.path))
        return f"{state}\n{key_lines(keys, columns)}"


def link_to(path: Path) -> str:
    """The path, to be clicked where the terminal can open it (OSC 8); elsewhere as it is."""
    if not wants_color(sys.stdout) or os.environ.get("TERM") in LINKLESS or not str(path).isprintable():
        return str(path)
    return f"\x1b]8;;{path.absolute().as_uri()}\x1b\\{path}\x1b]8;;\x1b\\"
