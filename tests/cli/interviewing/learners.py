"""Made-up learners: what they answer, and what their history says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from lessons.grading import Asked, ask, grade, item_seed, show_shape
from lessons.quiz import Item
from tfx_cli.interviewing.interview import Interview, InterviewWish
from tfx_cli.interviewing.strength import Strength
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.scheduling import rating

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
Learner = Callable[[Asked], str]


def right(asked: Asked) -> str:
    """What is judged right."""
    item = asked.item
    if item.kind in ("choice", "several"):
        return " ".join(str(n) for n, i in enumerate(asked.order, start=1) if item.options[i].correct)
    return "all" if item.kind == "open" else asked.answer


def wrong(asked: Asked) -> str:
    """What is judged wrong, and can be read."""
    item = asked.item
    if item.kind == "choice":
        return str(next(n for n, i in enumerate(asked.order, start=1) if not item.options[i].correct))
    if item.kind == "several":
        return " ".join(str(n) for n, i in enumerate(asked.order, start=1) if not item.options[i].correct)
    if item.kind == "order":
        return " ".join(asked.answer.split()[::-1])
    if item.kind == "open":
        return "none"
    return show_shape((977,) * 7) if item.kind == "shape" else "-1234567"


def always_wrong_about(topic: str) -> Learner:
    return lambda asked: wrong(asked) if asked.item.explained_by == topic else right(asked)


def line(asked: Asked, text: str) -> Answer:
    """The line of the log for this answer."""
    verdict = grade(asked, text)
    grade_given = rating(verdict.correct, verdict.score)
    return Answer(
        asked.item.id, asked.seed, text, verdict.correct, verdict.score, grade_given, verdict.misconception, NOW
    )


def answered(item: Item, learner: Learner, seed: int = 1) -> Answer:
    asked = ask(item, item_seed(seed, item.id))
    return line(asked, learner(asked))


def held(
    wish: InterviewWish, learner: Learner, seed: int = 1, known: dict[str, Strength] | None = None
) -> tuple[Interview, list[Answer]]:
    """A whole interview with this learner, each question in the minutes that it is planned to take, and its log."""
    interview = Interview(wish, known or {}, seed)
    log: list[Answer] = []
    spent = 0.0
    while slot := interview.next(spent):
        text = learner(slot.asked)
        log.append(line(slot.asked, text))
        interview.judged(slot, grade(slot.asked, text))
        spent += slot.minutes
    return interview, log
