"""How the steps of a lesson are shown."""

from __future__ import annotations

from dataclasses import dataclass

from tfx_cli.options import Face
from tfx_cli.terminal import console


@dataclass(frozen=True)
class Manner:
    """short, code: with the short forms of their code, with its source; predict: a number is asked for before it is
    shown; details: every check and every row; screen: a screenful at a time, so that matrices show the rows in focus
    first."""

    face: Face
    code: bool = False
    predict: bool = False
    details: bool = False
    screen: bool = False
    short: bool = False

    @property
    def asks(self) -> bool:
        """Whether somebody sits there who answers."""
        return self.predict and self.face is Face.terminal and console.interactive()

    @property
    def paged(self) -> bool:
        """Whether somebody sits there who turns the pages."""
        return self.face is Face.terminal and console.interactive()
