"""What the reader's history says of a derivation: the lines that were fine are judged again, so that a later session
goes on with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfx_cli.learner.derived import Derived
from tfx_cli.learner.state import open_to_read, open_to_write
from tfx_cli.practice.learning import Look, call
from tfx_cli.terminal.lines import tell

if TYPE_CHECKING:
    from lessons.practice.derive.derivation import Derivation
    from lessons.practice.derive.judging import Attempt, LineVerdict

#: how a derivation is named where an exercise may be named too
PREFIX = "derive/"
#: kinds of verdicts of lines that are typed again for the reader
FINE = ("holds", "defined")


@dataclass(frozen=True)
class Kept:
    """attempt: with the fine lines since the reader began again.  passed: all targets held at some time.  lines: how
    many were typed; hints: how many were shown."""

    attempt: Attempt
    passed: bool
    gave_up: bool
    lines: int
    hints: int

    @property
    def word(self) -> str:
        """`passed`, `2 of 5 hold`, `begun` or `new`."""
        if self.passed:
            return "passed"
        held, every = len(self.attempt.held), len(self.attempt.derivation.targets)
        return f"{held} of {every} hold{'s' * (held == 1)}" if held else "begun" if self.lines else "new"


def history() -> list[Derived]:
    """All of it; nothing where there is no history."""
    with open_to_read() as state:
        if state.notice:
            tell(f"tfx: {state.notice}")
        return state.derived()


def kept_of(derivation: Derivation, lines: Iterable[Derived]) -> Kept:
    from lessons.practice.derive.judging import Attempt

    own = [line for line in lines if line.derivation == derivation.name]
    attempt, passed = Attempt(derivation), False
    for line in own:
        if line.act == "again":
            attempt = Attempt(derivation)
        elif line.act == "line" and line.verdict in FINE:
            attempt.judge(line.line)
            passed = passed or attempt.passed
    acts = [line.act for line in own]
    return Kept(attempt, passed, "gave up" in acts, acts.count("line"), acts.count("hint"))


def all_kept() -> Mapping[str, Kept]:
    """Every derivation by name, in the order of the course."""
    from lessons.practice.derive.derivation import derivations

    lines = history()
    return {name: kept_of(one, lines) for name, one in derivations().items()}


def note(derivation: Derivation, act: str) -> None:
    with open_to_write() as state:
        state.record_derived(derivation.name, act)


def next_hint(derivation: Derivation) -> tuple[int, str]:
    """Its number and its words; that it was shown is kept.  The last one stays."""
    number = min(kept_of(derivation, history()).hints + 1, len(derivation.hints))
    note(derivation, "hint")
    return number, derivation.hints[number - 1]


def keep(derivation: Derivation, verdict: LineVerdict, passes: bool) -> Look | None:
    """Puts a line on record.  Returns where to look, if a slip was named.  passes: with it the last target holds, so
    that no slip of this derivation calls up a question any more."""
    from lessons.practice.cards import place_of_derivation

    slip, called = verdict.slip, f"derivation {derivation.name}"
    typed = verdict.line.encode("utf-8", "replace").decode("utf-8")
    with open_to_write() as state:
        state.record_derived(derivation.name, "line", typed, verdict.kind, slip.id if slip else "")
        if passes:
            state.record_practice(called, "tried", "passed")
        return call(state, called, slip.id, slip.says, place_of_derivation(derivation)) if slip else None
