"""`tfx quiz --stats`: how far the reader is, computed from the log.  Reads only, and imports neither NumPy nor Rich."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lessons.course import topics
from lessons.decks import DECKS, is_deck
from lessons.quiz_ids import item_ids
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.scores import TopicScore, topic_scores, weakest
from tfx_cli.learner.state import State

SHOWN_MISCONCEPTIONS = 5


@dataclass(frozen=True)
class Stats:
    """due: items waiting now.  streak: right answers in a row.  days: days in a row with an answer, to today."""

    items: int
    seen: int
    due: int
    new: int
    answers: int
    right: int
    streak: int
    days: int
    next_due: datetime | None
    topics: tuple[TopicScore, ...]
    misconceptions: tuple[tuple[str, int, str], ...]
    topic: str | None = None

    @property
    def weakest(self) -> TopicScore | None:
        return weakest(self.topics)

    @property
    def command(self) -> str:
        """What to type next: what is weak is read again, what is all right is said aloud."""
        weak = self.weakest
        if weak is None:
            return "tfx quiz" + (f" {self.topic}" if self.topic else "")
        if weak.share == 1:
            return "tfx quiz --interview"
        return f"tfx quiz {weak.topic}" if is_deck(weak.topic) else f"tfx explain {weak.topic}"


def measure(state: State, now: datetime, topic: str | None = None) -> Stats:
    """Counts everything, or one topic's part of it."""
    topic_of = {
        id: found.name for found in (*topics(), *DECKS) if topic in (None, found.name) for id in item_ids(found)
    }
    log = [answer for answer in state.answers() if topic is None or answer.item in topic_of]
    due = {item: when for item, when in state.due().items() if item in topic_of}
    counts = Counter(answer.misconception for answer in log if answer.misconception)
    latest = {answer.misconception: answer.item for answer in log}
    return Stats(
        items=len(topic_of),
        seen=len(due),
        due=sum(when <= now for when in due.values()),
        new=len(topic_of) - len(due),
        answers=len(log),
        right=sum(answer.correct for answer in log),
        streak=streak_of([answer.correct for answer in log]),
        days=days_in_a_row({local_day(answer.at) for answer in log}, local_day(now)),
        next_due=min(due.values(), default=None),
        topics=topic_scores(topic_of, log),
        misconceptions=tuple((name, count, latest[name]) for name, count in counts.most_common()),
        topic=topic,
    )


def streak_of(correct: list[bool]) -> int:
    """How many of the last answers were right in a row."""
    streak = 0
    for right in reversed(correct):
        if not right:
            break
        streak += 1
    return streak


def local_day(at: datetime) -> date:
    """The day of the reader's zone; that of UTC where the zone is none, such as TZ=UTC+25."""
    try:
        return at.astimezone().date()
    except (ValueError, OverflowError):
        return at.date()


def days_in_a_row(days: set[date], today: date) -> int:
    """Consecutive days with an answer, ending today, or yesterday while today is still young."""
    numbers = {day.toordinal() for day in days}
    number = today.toordinal() if today in days else today.toordinal() - 1
    count = 0
    while number in numbers:
        count += 1
        number -= 1
    return count


def seconds_per_answer(log: Sequence[Answer], unknown: float = 30.0) -> float:
    """The median time this reader takes; `unknown` before anything was timed."""
    timed = sorted(answer.seconds for answer in log if answer.seconds is not None)
    return timed[len(timed) // 2] if timed else unknown


def document(stats: Stats) -> dict[str, Any]:
    """The JSON face."""
    fields = {
        name: getattr(stats, name) for name in ("items", "seen", "due", "new", "answers", "right", "streak", "days")
    }
    topics = [{name: getattr(score, name) for name in score.__dataclass_fields__} for score in stats.topics]
    mistakes = [{"misconception": name, "count": count, "item": item} for name, count, item in stats.misconceptions]
    when = stats.next_due.isoformat(timespec="seconds") if stats.next_due else None
    weak = stats.weakest
    weakest = {"topic": weak.topic, "answers": weak.answers, "right": weak.right, "share": weak.share} if weak else None
    return {
        **fields,
        "next_due": when,
        "topics": topics,
        "misconceptions": mistakes,
        "weakest": weakest,
        "next": stats.command,
    }


def plain_lines(stats: Stats) -> Iterator[str]:
    """The plain face."""
    from tfx_cli.render.plain import line

    for name in ("items", "seen", "due", "new", "answers", "right", "streak", "days"):
        yield line(name, getattr(stats, name))
    for score in stats.topics:
        yield line("topic", score.topic, score.items, score.seen, score.answers, score.right)
    for name, count, item in stats.misconceptions:
        yield line("misconception", name, count, item)
    if weak := stats.weakest:
        yield line("weakest", weak.topic, weak.answers, weak.right)
    yield line("next", stats.command)


def terminal_lines(stats: Stats) -> Iterator[str]:
    """The terminal face."""
    share = f", {stats.right / stats.answers:.0%} right" if stats.answers else ""
    answers = f"{stats.answers} answer{'' if stats.answers == 1 else 's'}"
    yield f"  answered   {answers} on {stats.seen} of {stats.items} questions{share}"
    yield f"  due        {stats.due} now, {stats.new} new"
    if stats.answers:
        yield f"  streak     {stats.streak} right in a row, {stats.days} day{'' if stats.days == 1 else 's'} in a row"
    started = [score for score in stats.topics if score.answers]
    if started:
        yield ""
        width = max(len(score.topic) for score in started)
        yield f"  {'topic'.ljust(width)}    seen  answers  right"
        for score in started:
            seen = f"{score.seen}/{score.items}"
            yield f"  {score.topic.ljust(width)}  {seen:>6}  {score.answers:>7}  {score.share:>5.0%}"
    if stats.misconceptions:
        yield ""
        yield "  misconceptions, the commonest first"
        for name, count, item in stats.misconceptions[:SHOWN_MISCONCEPTIONS]:
            yield f"  {count:>3}  {name}  ({item})"
    yield ""
    weak = stats.weakest
    if weak is not None and stats.topic is None:
        yield f"  weakest    {weak.topic}, {weak.words}"
    yield f"  next       {stats.command}"
