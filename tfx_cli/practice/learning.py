"""What a verdict means for the reader's history: a named mistake calls up the questions about it, and a pass sends them
back to their own schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfx.errors import many
from tfx_cli.learner.state import State, open_to_write
from tfx_cli.terminal.lines import tell

if TYPE_CHECKING:
    from lessons.practice.cards import Place
    from lessons.practice.exercise import Exercise
    from lessons.practice.judging import Verdict


@dataclass(frozen=True)
class Look:
    """Where the lesson clears a mistake up.  due: questions about it that wait now."""

    command: str
    due: int

    @property
    def lines(self) -> tuple[str, ...]:
        """Where to look, and how many questions wait; each a whole command, so that it can be copied."""
        are = "is" if self.due == 1 else "are"
        asked = (f"  {many(self.due, 'quiz question')} about it {are} due: tfx quiz",) if self.due else ()
        return (f"  look at: {self.command}", *asked)


def command_of(exercise: Exercise, verdict: Verdict) -> str:
    """The command that shows what the named mistake is about; "" where none is named, or the course has nothing."""
    from lessons.practice.cards import place_of

    place = place_of(exercise, verdict.mistake) if verdict.mistake else None
    return _command(place) if place else ""


def _command(place: Place) -> str:
    return f"tfx explain {place.topic}" + (f" --step {place.step}" if place.step else "")


def keep(exercise: Exercise, verdict: Verdict) -> Look | None:
    """Puts a try of the reader on record, unless tfx broke down.  Returns where to look, if a mistake was named."""
    from lessons.practice.cards import place_of

    if verdict.kind == "grader":
        return None

    mistake = verdict.mistake
    with open_to_write() as state:
        if state.notice:
            tell(f"tfx: {state.notice}")
        state.record_practice(exercise.name, "tried", verdict.kind, mistake.id if mistake else "")
        place = place_of(exercise, mistake) if mistake else None
        if mistake is None or place is None:
            return None
        return call(state, exercise.name, mistake.id, mistake.says, place)


def call(state: State, exercise: str, mistake: str, says: str, place: Place) -> Look:
    """Calls up the questions about a mistake.  Returns where to look."""
    state.call_cards(exercise, mistake, says, *place)
    due = sum(line.mistake == mistake and bool(line.item) for line in state.calling())
    return Look(_command(place), due)
