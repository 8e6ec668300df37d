"""The options that only `tfx practice debug` has."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tfx.errors import BadInput


class Way(StrEnum):
    read = "read"
    symptoms = "symptoms"
    mine = "mine"


@dataclass(frozen=True)
class Asked:
    """The options that only `debug` has."""

    seed: int | None = None
    family: str = ""
    way: Way | None = None
    bugs: int = 1
    line: list[str] = field(default_factory=list)
    hidden: bool = False
    give_up: bool = False

    @property
    def lines(self) -> list[int]:
        """Numbers of lines.  Raises BadInput for a word that is none."""
        for word in self.line:
            if not (word.isascii() and word.isdigit()):
                raise BadInput(f'"{word}" is no number of a line.', "For example: tfx practice debug check --line 12")
        return [int(word[:9]) for word in self.line]

    @property
    def given(self) -> str:
        """The first that is given, of those that go with debug alone; nothing where none is."""
        options = {
            "--seed": self.seed is not None, "--family": bool(self.family), "--way": self.way is not None,
            "--bugs": self.bugs != 1, "--hidden": self.hidden,
        }  # fmt: skip
        return next((name for name, is_given in options.items() if is_given), "")
