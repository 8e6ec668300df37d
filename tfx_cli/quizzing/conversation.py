"""`tfx quiz` with somebody at the keyboard: one question at a time, every answer on disk before its verdict shows."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

from lessons.answers import Unreadable
from lessons.grading import Asked
from tfx_cli.errors import INTERRUPTED
from tfx_cli.learner.scheduling import in_words
from tfx_cli.learner.state import State, open_to_write
from tfx_cli.quizzing.outcome import ended
from tfx_cli.quizzing.page import HOW, MARK, Page
from tfx_cli.quizzing.round import Asking, Wish, fresh_seed, items_for, questions_for, settle
from tfx_cli.quizzing.stats import streak_of
from tfx_cli.terminal.lines import tell

PROMPT = "  > "
NOT_ENDED = "The test was not taken to its end, so it does not count. Every answer is saved."
KEYS = "s skips it, q leaves; every answer so far is saved."


class Leave(Exception):
    """The reader has had enough."""


class Skip(Exception):
    """The reader wants the next question."""


def converse(wish: Wish, plain: bool) -> int:
    """Runs one round and returns the exit code: 0, or 130 after Ctrl-C.  Wrong answers are no failure here."""
    items = items_for(wish)
    page = Page(plain)
    with open_to_write() as state:
        if state.notice:
            tell("tfx: " + state.notice)
        ids = {item.id for item in items}
        due = state.due()
        seed = fresh_seed() if wish.seed is None else wish.seed
        asked = questions_for(state, wish, items, seed)
        if not asked:
            page.say(nothing_to_ask([when for item, when in due.items() if item in ids], wish))
            return 0
        done: list[Asking] = []
        try:
            finished = ask_all(state, asked, done, page)
        except KeyboardInterrupt:
            tell(f"\nStopped. {len(done)} answer{' is' if len(done) == 1 else 's are'} saved.")
            return INTERRUPTED
        if wish.test_out:
            if finished:
                page.outcome(ended(state, asked, done))
            else:
                page.say(NOT_ENDED)
            return 0
        waiting = [when for item, when in state.due().items() if item in ids]
        page.summary(done, min(waiting, default=None))
    return 0


def ask_all(state: State, asked: list[Asked], done: list[Asking], page: Page) -> bool:
    """Goes through the questions; `done` grows by one with every recorded answer.  Returns whether all were asked."""
    streak = streak_of([answer.correct for answer in state.answers()])
    for number, question in enumerate(asked, start=1):
        page.question(Asking(question), number, len(asked), streak)
        try:
            asking = ask_one(state, question, page)
        except Skip:
            continue
        except Leave:
            return False
        done.append(asking)
        assert asking.verdict is not None
        streak = streak + 1 if asking.verdict.correct else 0
        page.verdict(asking)
    return True


def ask_one(state: State, question: Asked, page: Page) -> Asking:
    """Asks until the answer can be read; an unreadable one costs nothing."""
    begin = time.monotonic()
    if question.item.kind == "open":
        page.say(HOW["open"])
        read_line(page, HOW["open"], empty_is_help=False)
        page.choices(Asking(question))
        page.say(MARK)
    while True:
        how = MARK if question.item.kind == "open" else HOW[question.item.kind]
        text = read_line(page, how)
        try:
            return settle(state, question, text, seconds=time.monotonic() - begin)
        except Unreadable as problem:
            page.say(str(problem))


def read_line(page: Page, how: str, empty_is_help: bool = True) -> str:
    """One line of input.  `?`, and an empty line where one means nothing, explain; s and q raise Skip and Leave."""
    while True:
        sys.stdout.write("> " if page.plain else PROMPT)  # input(prompt) may write it to stderr
        sys.stdout.flush()
        try:
            text = input().strip()
        except EOFError:
            raise Leave from None
        word = text.lower()
        if word in ("q", "quit", "exit"):
            raise Leave
        if word in ("s", "skip"):
            raise Skip
        if text == "?" or (not text and empty_is_help):
            page.say(f"{how} {KEYS}")
            continue
        return text


def nothing_to_ask(waiting: list[datetime], wish: Wish) -> str:
    """Why no question came, and what to do."""
    when = f" The next question is due {in_words(min(waiting) - datetime.now(UTC))}." if waiting else ""
    if wish.only_due:
        return f"Nothing is due.{when} New questions: tfx quiz"
    return f"Nothing is due and nothing is new.{when} Practise one topic all the same: tfx quiz TOPIC"
