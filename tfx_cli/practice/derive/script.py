"""Lines that do not come from a terminal: all are judged, from nothing, and nothing of it is kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from tfx.errors import BadInput
from tfx_cli.options import Face
from tfx_cli.practice.derive.page import given_lines, shown_lines, standing_line, verdict_lines
from tfx_cli.practice.derive.progress import PREFIX, Kept, all_kept, history, kept_of, next_hint, note
from tfx_cli.practice.derive.records import attempt_document, derivation_document, given_rows, line_rows
from tfx_cli.render.show import show_document, show_list
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.console import is_terminal, prose_width
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.printable import on_one_line

if TYPE_CHECKING:
    from lessons.practice.derive.derivation import Derivation

#: characters of stdin; a derivation takes 200 lines of 400
MOST = 100_000


def show_derivations(face: Face) -> None:
    """Every derivation with what became of it, and how to begin the first that is not found."""
    now = all_kept()
    if face is Face.json:
        show_document({"derivations": [derivation_document(one.attempt.derivation, one) for one in now.values()]})
        return
    following = next((name for name, one in now.items() if not one.passed), next(iter(now)))
    list_kept(now, f"next: tfx practice derive {following}", face)


def list_kept(now: Mapping[str, Kept], what_next: str, face: Face, shown: Mapping[str, Kept] | None = None) -> None:
    """now: all of them.  shown: those that a search leaves."""
    passed = sum(one.passed for one in now.values())
    entries = {
        name: f"{one.attempt.derivation.title}: {one.word}" for name, one in (now if shown is None else shown).items()
    }
    show_list(f"Derivations, {passed} of {len(now)} passed", entries, what_next, face)


def judge_lines(derivation: Derivation, given: Sequence[str], face: Face) -> None:
    """given: else the lines of stdin.  Ends with 1 unless all targets hold, and no later line for one is wrong."""
    from lessons.practice.derive.judging import MOST_LINES, Attempt

    attempt = Attempt(derivation)
    texts = [line for text in given for line in text.splitlines()] if given else lines_of_stdin()
    lines = [line.strip() for line in texts]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(lines) > MOST_LINES:
        raise BadInput(f"these are {len(lines)} lines, and a derivation has at most {MOST_LINES}.", "Give fewer.")
    for line in lines:
        attempt.judge(line)
    if face is Face.json:
        about = {} if lines else {"about": derivation_document(derivation, kept_of(derivation, history()))}
        show_document({**attempt_document(attempt), **about})
    elif face is Face.plain:
        rows = [row for verdict in attempt.verdicts for row in line_rows(verdict)] or given_rows(derivation)
        for row in [*rows, *(f"{_word(attempt.last, one.name)}\t{one.name}" for one in derivation.targets)]:
            show_line(row)
    else:
        wide = prose_width()
        for line in () if lines else given_lines(derivation, wide):
            show_line(line)
        for verdict in attempt.verdicts:
            show_line(f"> {on_one_line(verdict.line)}")
            for line in verdict_lines(verdict, wide):
                show_line(line)
        show_line()
        for line in wrapped(standing_line(attempt), wide):
            show_line(line)
        if not lines:
            show_line(f"type them: tfx practice derive {derivation.name}, in a terminal; or with --line 'NAME = ...'")
    if not attempt.ends_well:
        raise typer.Exit(1)


def _word(last: dict[str, bool], name: str) -> str:
    return "holds" if last.get(name) else "to find"


def hint(derivation: Derivation, face: Face) -> None:
    """The next one; that it was shown is kept."""
    number, words = next_hint(derivation)
    if face is Face.json:
        fields = {"derivation": derivation.name, "hint": words, "number": number, "of": len(derivation.hints)}
        show_document(fields)
    else:
        show_line(f"hint {number} of {len(derivation.hints)}   {words}")


def solution(derivation: Derivation, give_up: bool, face: Face) -> None:
    """One way to write it, after a pass or after giving up, which is kept."""
    now = kept_of(derivation, history())
    if not (now.passed or now.gave_up or give_up):
        raise BadInput(
            f"{derivation.name} is not derived yet, and a solution ends the puzzle.",
            f"A hint: tfx practice hint {PREFIX}{derivation.name}   "
            f"or: tfx practice solution {PREFIX}{derivation.name} --give-up",
        )
    if give_up and not (now.passed or now.gave_up):
        note(derivation, "gave up")
    if face is Face.json:
        lines = [{"line": shown.line, "why": shown.why} for shown in derivation.shown]
        show_document({"derivation": derivation.name, "solution": lines})
    elif face is Face.plain:
        for shown in derivation.shown:
            show_line(f"{shown.line}\t{shown.why}")
    else:
        for line in shown_lines(derivation, prose_width()):
            show_line(line)


def lines_of_stdin() -> list[str]:
    """None where somebody sits at it.  Raises BadInput for what is no text, or too much of it."""
    if sys.stdin is None or is_terminal(sys.stdin):
        return []
    binary = getattr(sys.stdin, "buffer", None)  # a stream that somebody put in its place may have text alone
    data = binary.read(MOST + 1) if binary else sys.stdin.read(MOST + 1).encode("utf-8", "surrogateescape")
    if len(data) > MOST:
        raise BadInput(f"stdin holds more than {MOST:,} bytes, which no derivation needs.", "Give one line for a line.")
    try:
        windows = data.startswith((b"\xff\xfe", b"\xfe\xff"))  # what PowerShell and Notepad call Unicode
        return data.decode("utf-16" if windows else "utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadInput("stdin is not UTF-8 text.", "Give one line of the derivation a line.") from None
