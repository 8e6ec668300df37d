"""The list of exercises: what a search and a filter leave of it, and the screen on which one is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfx_cli.practice.workspace import Standing
from tfx_cli.render.wrapping import packed, wrapped
from tfx_cli.terminal.cells import cells

if TYPE_CHECKING:
    from lessons.exercise_names import Listed

UP, DOWN = ("\x1b[A", "\x1bOA", "k"), ("\x1b[B", "\x1bOB", "j")
#: what a filter leaves -> whether an exercise that is passed stays
ONLY = {"": (True, False), "pending": (False,), "passed": (True,)}
KEYS = ("up, down", "Enter take up", "/ search", "p pending", "d passed", "a all", "x anew", "l back", "q quit ")
TYPING = ("type what to look for", "Enter done", "Esc all ")


def found(known: Mapping[str, Listed], now: Mapping[str, Standing], query: str, only: str) -> list[Listed]:
    """Those whose name, title and topic have every word of `query`.  only: "pending", "passed", or "" for both."""
    words = query.lower().replace("_", "-").split()
    return [
        one for name, one in known.items()
        if (now[name].last == "passed") in ONLY[only] and all(word in one.text for word in words)
    ]  # fmt: skip


@dataclass
class Chooser:
    """The screen: what is looked for, what is left, and the one that is pointed at."""

    known: Mapping[str, Listed]
    now: Mapping[str, Standing]
    at: str
    query: str = ""
    only: str = ""
    typing: bool = False

    @property
    def left(self) -> list[Listed]:
        return found(self.known, self.now, self.query, self.only)

    def press(self, key: str) -> str:
        """What is to be done with the one that is pointed at, `take` or `anew`; `back`, `quit`, or nothing."""
        if key in ("", "\x04"):
            return "quit"
        if self.typing:
            return self._type(key)
        if key in UP or key in DOWN:
            self._move(-1 if key in UP else 1)
        elif key in ("p", "d", "a"):
            self.only = {"p": "pending", "d": "passed", "a": ""}[key]
            self.query = "" if key == "a" else self.query
            self._move(0)
        elif key == "/":
            self.typing, self.query = True, ""
        elif key in ("\n", "\r", "x"):
            return ("anew" if key == "x" else "take") if self.left else ""
        else:
            return {"l": "back", "\x1b": "back", "q": "quit"}.get(key, "")
        return ""

    def _type(self, key: str) -> str:
        if key in ("\n", "\r", "\x1b"):
            self.typing = False
            self.query = "" if key == "\x1b" else self.query
        elif key in ("\x7f", "\b"):
            self.query = self.query[:-1]
        elif len(key) == 1 and key.isprintable():
            self.query += key
        self._move(0)
        return ""

    def _move(self, by: int) -> None:
        """Up or down, and never beyond the list; onto it, where a search took away what was pointed at."""
        names = [one.name for one in self.left]
        if names:
            place = names.index(self.at) + by if self.at in names else 0
            self.at = names[min(max(place, 0), len(names) - 1)]

    def lines(self, columns: int, rows: int) -> list[str]:
        """A screenful, the keys last."""
        passed = sum(one.last == "passed" for one in self.now.values())
        looked = f'   with "{self.query}{"_" if self.typing else ""}"' if self.query or self.typing else ""
        head = [f"{passed} of {len(self.known)} passed" + (f"   {self.only} only" if self.only else "") + looked, ""]
        title = self.known[self.at].title if self.left else ""
        feet = [
            "",
            *wrapped(f"  {title}", columns - 1),
            *("  " + line for line in packed(TYPING if self.typing else KEYS, columns - 3).split("\n")),
        ]
        left, room = self.left, max(rows - len(head) - len(feet), 1)
        names = [one.name for one in left]
        place = names.index(self.at) if self.at in names else 0
        first = min(max(place - room // 2, 0), max(len(left) - room, 0))
        column = max(map(cells, self.known)) + 2
        shown = [self._line(one, column, columns) for one in left[first : first + room]]
        return [*head, *(shown or ["  There is none."]), *feet]

    def _line(self, one: Listed, column: int, columns: int) -> str:
        state = self.now[one.name]
        word = "passed" if state.last == "passed" else "pending" if state.tries else "new"
        line = f"{'>' if one.name == self.at else ' '} {word:9}{one.name:{column}}"
        return line + one.title if cells(line + one.title) <= columns else line.rstrip()
