"""A derivation with somebody at the keyboard: every line is on disk before its verdict shows."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tfx_cli.practice.derive.page import WORDS, given_lines, shown_lines, sign_lines, standing_line, verdict_lines
from tfx_cli.practice.derive.progress import all_kept, history, keep, kept_of, next_hint, note
from tfx_cli.practice.derive.records import given_rows, line_rows
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.console import prose_width, wants_color
from tfx_cli.terminal.lines import show_line, write
from tfx_cli.terminal.printable import on_one_line

if TYPE_CHECKING:
    from lessons.practice.derive.derivation import Derivation

PROMPT = "> "


def converse(derivation: Derivation, plain: bool = False) -> None:
    """Until the reader leaves, or the input ends."""
    session = Session(derivation, plain)
    session.begin()
    _edit_lines()
    while True:
        try:
            text = ask()
        except (EOFError, KeyboardInterrupt):
            write("\n")
            break
        if not session.answer(text):
            break
    show_line(f"go on   tfx practice derive {session.following()}")


def ask() -> str:
    """What was typed.  A byte that is no text in the terminal's encoding is read as a question mark."""
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    return input(PROMPT).strip()


def _edit_lines() -> None:
    """Arrow keys, and earlier lines, where escape sequences are welcome and Python has readline."""
    if wants_color(sys.stdout):
        try:
            import readline
        except ImportError:  # Windows, whose terminal does it by itself
            return
        readline.parse_and_bind("set enable-bracketed-paste off")
        readline.parse_and_bind("tab: self-insert")


class Session:
    """What was found before is there at the start.  plain: records for what is given and for verdicts."""

    def __init__(self, derivation: Derivation, plain: bool = False) -> None:
        self.derivation, self.plain = derivation, plain
        kept = kept_of(derivation, history())
        self.attempt, self.passed, self.gave_up = kept.attempt, kept.passed, kept.gave_up

    def say(self, lines: Iterable[str]) -> None:
        for line in lines:
            show_line(line)

    def tell(self, text: str) -> None:
        self.say(wrapped(text, prose_width()))

    def begin(self) -> None:
        self.given()
        show_line()
        if self.attempt.verdicts:
            show_line("kept from before")
            self.say(f"  {verdict.line}" for verdict in self.attempt.verdicts)
            self.tell(standing_line(self.attempt))
            show_line()
        names = [target.name for target in self.derivation.targets if target.name not in self.attempt.held]
        name = next(iter(names), self.derivation.targets[0].name)
        self.tell(f"Type {name} = formula, or a helper first: * is entry by entry, @ of matrices.")
        self.tell("Or: ? (all signs), hint, show, quit")

    def given(self) -> None:
        self.say(given_rows(self.derivation) if self.plain else given_lines(self.derivation, prose_width()))

    def answer(self, text: str) -> bool:
        """Does what a word says, or judges a line.  Whether to go on."""
        word = " ".join(text.lower().split())
        if word in ("q", "quit", "exit"):
            return False
        if not word or word in ("?", "help"):
            self.say(sign_lines(self.derivation, prose_width()))
        elif word in ("h", "hint", "hints"):
            self.hint()
        elif word == "given":
            self.given()
        elif word == "again":
            self.again()
        elif word in ("show", "solution", "give up", "give-up"):
            self.show(give_up=word.startswith("give"))
        elif "=" not in text and all(one.isalpha() for one in word.split()):
            known = ", ".join(WORDS)
            self.tell(
                f'"{on_one_line(text)}" is no line, which has a sign = in it, and no word: {known}; ? tells more.'
            )
        else:
            self.judge(text)
        return True

    def judge(self, line: str) -> None:
        before = self.attempt.passed
        verdict = self.attempt.judge(line)
        passes = self.attempt.passed and not before
        look = keep(self.derivation, verdict, passes)
        self.passed = self.passed or passes
        self.say(line_rows(verdict) if self.plain else verdict_lines(verdict, prose_width()))
        if look:
            self.say(look.lines)
        if verdict.kind == "holds":
            self.tell(standing_line(self.attempt))
            if passes:
                self.tell("show has one way to write it, quit leaves.")

    def hint(self) -> None:
        number, words = next_hint(self.derivation)
        self.tell(f"hint {number} of {len(self.derivation.hints)}: {words}")

    def again(self) -> None:
        from lessons.practice.derive.judging import Attempt

        note(self.derivation, "again")
        self.attempt = Attempt(self.derivation)
        self.tell("Begun again: your lines are put away.")

    def show(self, give_up: bool) -> None:
        """One way to write it, once it was found or given up."""
        if give_up and not (self.passed or self.gave_up):
            note(self.derivation, "gave up")
            self.gave_up = True
        if self.passed or self.gave_up:
            self.say(shown_lines(self.derivation, prose_width()))
            self.tell(f"So: {self.derivation.learned}")
        else:
            self.tell(
                "It is not found yet, and seeing it ends the puzzle. A hint: hint. To see it all the same: give up"
            )

    def following(self) -> str:
        """The next one that was never found, from this one on; this one until it is."""
        now = all_kept()
        names = list(now)
        at = names.index(self.derivation.name)
        return next((name for name in names[at:] + names[:at] if not now[name].passed), self.derivation.name)
