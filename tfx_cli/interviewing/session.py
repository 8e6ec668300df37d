"""An interview with somebody at the keyboard, or from a file of answers, and what both leave behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lessons.answers import Unreadable
from lessons.course import topics
from lessons.decks import find_deck_or_topic
from lessons.grading import grade
from tfx.errors import BadInput, many
from tfx_cli.errors import INTERRUPTED
from tfx_cli.interviewing.faces import as_json, hand_over, lead, markdown, plain_lines, terminal_lines
from tfx_cli.interviewing.interview import Interview, InterviewWish, Slot
from tfx_cli.interviewing.report import DEFAULT_DAYS, Report, report
from tfx_cli.interviewing.strength import strengths
from tfx_cli.learner.state import State, open_to_write
from tfx_cli.options import Face
from tfx_cli.quizzing.conversation import Leave, Skip, ask_one
from tfx_cli.quizzing.page import Page
from tfx_cli.quizzing.round import Asking, fresh_seed, settle
from tfx_cli.quizzing.script import answers_by_id, lines_of, read_source
from tfx_cli.render.show import show_document
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import show_line, tell


@dataclass(frozen=True)
class Session:
    """How an interview is held.  days: that are left, for the plan; save: a file for the report, none for no file."""

    wish: InterviewWish
    seed: int
    days: int = DEFAULT_DAYS
    save: Path | None = None
    face: Face = Face.terminal


Done = list[tuple[Slot, Asking]]


def session(wish: InterviewWish, seed: int | None, days: int | None, save: Path | None, face: Face) -> Session:
    """Raises BadInput for an unknown topic, and for a file that cannot be the report's, before anything is asked."""
    for name in wish.topics:
        find_deck_or_topic(name)
    if save is not None:
        if save.suffix not in (".md", ".json"):
            raise BadInput(f"a report is saved as .md or .json, not as {save.name}.", "Try: --save report.md")
        if save.exists():
            raise BadInput(f"{save} is there already.", "Give the report another name.")
        if not save.absolute().parent.is_dir():
            raise BadInput(f"there is no folder {save.absolute().parent}.", "Make it first, or save somewhere else.")
    return Session(wish, fresh_seed() if seed is None else seed, days or DEFAULT_DAYS, save, face)


def hold(one: Session) -> int:
    """Asks on the terminal; returns 0, or 130 after Ctrl-C, which keeps what was answered."""
    page = Page(one.face is Face.plain)
    begin = time.monotonic()

    def spent() -> float:
        return (time.monotonic() - begin) / 60

    with open_to_write() as state:
        if state.notice:
            tell("tfx: " + state.notice)
        interview = _new(one, state)
        done: Done = []
        try:
            _ask_all(interview, state, page, done, spent)
        except KeyboardInterrupt:
            tell(f"\nStopped. {many(len(done), 'answer')} {'is' if len(done) == 1 else 'are'} saved.")
            if done:
                _save(one, interview, _report(one, interview, state, spent()), done)
            return INTERRUPTED
        if not done:
            page.say("No question was answered, and nothing was recorded.")
            return 0
        told = _report(one, interview, state, spent())
    _show(one, told)
    _save(one, interview, told, done)
    return 0


def _ask_all(interview: Interview, state: State, page: Page, done: Done, spent: Callable[[], float]) -> None:
    while slot := interview.next(spent()):
        page.lead(*lead(slot, spent(), interview.wish.minutes))
        page.question(Asking(slot.asked), interview.asked_so_far, interview.length, 0)
        try:
            asking = ask_one(state, slot.asked, page)
        except Skip:
            continue
        except Leave:
            return
        assert asking.verdict is not None
        done.append((slot, asking))
        interview.judged(slot, asking.verdict)
        page.verdict(asking)
        page.hand_over(hand_over(slot))
    if interview.length > interview.asked_so_far:
        page.say("Time is up.")


def run_from(one: Session, source: str) -> int:
    """The same from a file; returns 1 when an answer was wrong.  Nothing is recorded before every answer could be read.

    Without a clock each question takes the minutes that it is planned to take.
    """
    text = read_source(source)
    with open_to_write() as state:
        if state.notice:
            tell("tfx: " + state.notice)
        interview = _new(one, state)
        given = _Given(text)
        asked: list[tuple[Slot, str | None]] = []
        spent = 0.0
        while slot := interview.next(spent):
            answer = given.to(slot)
            asked.append((slot, answer))
            spent += slot.minutes
            if answer is None:
                continue
            try:
                interview.judged(slot, grade(slot.asked, answer))
            except Unreadable as problem:
                where = f'answer {len(asked)}, "{answer[:40]}" to {slot.asked.item.id}'
                raise BadInput(f"{where}, cannot be read; nothing was recorded.", str(problem)) from None
        given.nothing_left_over()
        done = [
            (slot, Asking(slot.asked) if answer is None else settle(state, slot.asked, answer))
            for slot, answer in asked
        ]
        told = _report(one, interview, state, spent)
    if told.asked > told.answered:
        none = f"{told.asked - told.answered} of {many(told.asked, 'question')} had no answer"
        tell(f"{none}; nothing was recorded for them.")
    if one.face is Face.json:
        show_document(as_json(one.seed, one.wish, done, told))
    else:
        _replay(one, done)
        _show(one, told)
    _save(one, interview, told, done)
    return 0 if told.right == told.answered else 1


class _Given:
    """The answers of a file: one a line as they come, or JSON lines by id."""

    def __init__(self, text: str) -> None:
        lines = lines_of(text)
        self.by_id = answers_by_id(lines) if lines and lines[0].lstrip().startswith("{") else None
        self.lines = [] if self.by_id is not None else [line.strip() for line in lines]

    def to(self, slot: Slot) -> str | None:
        if self.by_id is not None:
            return self.by_id.pop(slot.asked.item.id, "") or None
        return (self.lines.pop(0) or None) if self.lines else None

    def nothing_left_over(self) -> None:
        left = len(self.by_id if self.by_id is not None else self.lines)
        if left:
            tell(f"{many(left, 'answer')} {'was' if left == 1 else 'were'} left over.")


def _new(one: Session, state: State) -> Interview:
    from lessons.quiz import all_items

    return Interview(one.wish, strengths(state.answers(), all_items()), one.seed)


def _report(one: Session, interview: Interview, state: State, minutes: float) -> Report:
    known = strengths(state.answers(), interview.items)
    return report(interview, known, topics(), minutes, one.days, state.calling())


def _replay(one: Session, done: Sequence[tuple[Slot, Asking]]) -> None:
    """The interview as it would have looked on a terminal."""
    page = Page(one.face is Face.plain)
    spent = 0.0
    for number, (slot, asking) in enumerate(done, start=1):
        page.lead(*lead(slot, spent, one.wish.minutes))
        page.question(asking, number, len(done), 0)
        if asking.verdict is not None:
            if slot.asked.item.kind == "open":
                page.choices(asking)
            page.given(asking.verdict.given)
        page.verdict(asking)
        page.hand_over(hand_over(slot) if asking.verdict is not None else "")
        spent += slot.minutes


def _show(one: Session, told: Report) -> None:
    for text in plain_lines(told) if one.face is Face.plain else terminal_lines(told, prose_width()):
        show_line(text)


def _save(one: Session, interview: Interview, told: Report, done: Sequence[tuple[Slot, Asking]]) -> None:
    if one.save is None:
        return
    from tfx_cli.render.json import document

    text = (
        document(as_json(one.seed, one.wish, done, told))
        if one.save.suffix == ".json"
        else markdown(told, done, datetime.now(UTC).date())
    )
    try:
        with one.save.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise BadInput(f"cannot write {one.save}: {error.strerror or error}.", "Save the report elsewhere.") from None
    tell(f"report saved: {one.save}")
