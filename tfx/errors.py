"""Errors that a reader can act on: what happened, why, and the exact next thing to type."""

from __future__ import annotations

from collections.abc import Iterable


class TfxError(Exception):
    """Shown as one sentence plus a next step; never as a traceback.

    `message` says what happened and why; `hint` is the next command or action.  `exit_code` follows the command
    contract: 1 the answer is no, 2 bad input, 3 environment or our bug.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(TfxError):
    """What the reader typed or gave cannot be used."""

    exit_code = 2


class EnvironmentProblem(TfxError):
    """The machine stands in the way: an unwritable folder, a missing extra, a full disk."""

    exit_code = 3


def unknown_name(kind: str, name: str, known: Iterable[str], see_all: str) -> BadInput:
    """`no experiment is called "scalling". Did you mean "scaling"?` with the command that lists them all."""
    from difflib import get_close_matches  # takes longer to import than the rest of this module together

    by_letters = {one.lower(): one for one in known}  # capitals make no name another one
    close = get_close_matches(name.lower(), by_letters, n=1, cutoff=0.5)
    guess = f' Did you mean "{by_letters[close[0]]}"?' if close else ""
    return BadInput(f'no {kind} is called "{name}".{guess}', f"See all: {see_all}")
