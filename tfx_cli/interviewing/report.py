"""What an interview leaves behind: a row for each topic, what to repeat in its order, and a plan for the days left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lessons.course import Topic
from tfx.errors import many
from tfx_cli.interviewing.interview import Interview, Judged, topics_of
from tfx_cli.interviewing.strength import Strength, needs, weakest_first
from tfx_cli.learner.called_cards import Called

#: topics that a day has room for
MOST_A_DAY = 3
DEFAULT_DAYS = 7


@dataclass(frozen=True)
class Row:
    """A topic of this interview.  share: of what was to be said; followed: how many of the questions followed a thin
    answer."""

    topic: str
    asked: int
    right: int
    share: float
    followed: int


@dataclass(frozen=True)
class Weak:
    """A topic to repeat.  below: topics of this list that it builds on; above: those that build on it."""

    topic: str
    share: float
    answers: int
    below: tuple[str, ...]
    above: tuple[str, ...]
    command: str

    @property
    def why(self) -> str:
        """`0% of 2 answers; multi-head and 2 more build on it`"""
        said = f"{self.share:.0%} of {many(self.answers, 'answer')}"
        if not self.above:
            return said
        first, more = self.above[0], len(self.above) - 1
        return f"{said}; {first} builds on it" if not more else f"{said}; {first} and {more} more build on it"


@dataclass(frozen=True)
class Task:
    """Something to do on a day.  topic: None for a rehearsal."""

    day: int
    topic: str | None
    commands: tuple[str, ...]
    minutes: int
    why: str


@dataclass(frozen=True)
class Report:
    """right: questions answered well; minutes: that it took.  later: weak topics that do not fit into the days."""

    asked: int
    answered: int
    right: int
    minutes: float
    of_minutes: int
    rows: tuple[Row, ...]
    weak: tuple[Weak, ...]
    plan: tuple[Task, ...]
    later: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """For JSON: the keys are part of its schema."""
        fields = asdict(self)
        for one, weak in zip(fields["weak"], self.weak, strict=True):
            one["why"] = weak.why
        fields["minutes"] = round(self.minutes, 1)
        return fields


def report(
    interview: Interview, known: Mapping[str, Strength], topics: Sequence[Topic], minutes: float, days: int,
    called: Sequence[Called] = (),
) -> Report:  # fmt: skip
    """known: with the answers of this interview.  topics: of the whole course.  called: cards that mistakes in
    exercises call up, oldest first."""
    judged = interview.judged_so_far
    weak = weak_topics(known, topics)
    plan, later = plan_days(weak, known, topics, topics_of(interview.wish), days, called)
    return Report(
        asked=interview.asked_so_far,
        answered=len(judged),
        right=sum(one.verdict.correct for one in judged),
        minutes=minutes,
        of_minutes=interview.wish.minutes,
        rows=rows(judged),
        weak=weak,
        plan=plan,
        later=later,
    )


def rows(judged: Sequence[Judged]) -> tuple[Row, ...]:
    """One for each topic, the weakest first, otherwise as they were asked."""
    found = []
    for name in dict.fromkeys(one.slot.topic for one in judged):
        own = [one for one in judged if one.slot.topic == name]
        share = sum(one.verdict.score for one in own) / len(own)
        right = sum(one.verdict.correct for one in own)
        found.append(Row(name, len(own), right, share, sum(bool(one.slot.after) for one in own)))
    return tuple(sorted(found, key=lambda row: row.share))


def weak_topics(known: Mapping[str, Strength], topics: Sequence[Topic]) -> tuple[Weak, ...]:
    """In the order in which to repeat them."""
    ordered = weakest_first(known, topics)
    names = [one.topic for one in ordered]
    below = needs(topics)
    return tuple(
        Weak(
            one.topic,
            one.share,
            one.answers,
            tuple(name for name in names if name in below[one.topic]),
            tuple(name for name in names if one.topic in below[name]),
            f"tfx explain {one.topic}",
        )
        for one in ordered
    )


def plan_days(
    weak: Sequence[Weak], known: Mapping[str, Strength], topics: Sequence[Topic], asked_for: Sequence[Topic], days: int,
    called: Sequence[Called] = (),
) -> tuple[tuple[Task, ...], tuple[str, ...]]:  # fmt: skip
    """Tasks for `days` days, and the topics to repeat that do not fit: those of mistakes in exercises, weak topics in
    order, then what was never asked, and on the last day everything once more."""
    title = {topic.name: topic for topic in topics}
    last = days if days > 1 else 2  # with one day left the rehearsal is in its evening
    room = last - 1
    made = {line.topic: line for line in called if line.topic in title}
    to_repeat = [(name, line.command, f"in your {line.exercise}: {line.says}") for name, line in made.items()]
    to_repeat += [(one.topic, one.command, one.why) for one in weak if one.topic not in made]
    each = min(MOST_A_DAY, max(1, math.ceil(len(to_repeat) / room)))
    repeated = to_repeat[: each * room]
    new = [
        (topic.name, "not answered yet") for topic in asked_for if topic.name not in known and topic.name not in made
    ]
    free = max(0, room - math.ceil(len(repeated) / each)) if repeated else room
    tasks = []
    for at, (name, look, why) in enumerate(repeated):
        commands = (look, f"tfx quiz {name}")
        tasks.append(Task(1 + at // each, name, commands, title[name].minutes + 5, why))
    for at, (name, why) in enumerate(new[:free]):
        commands = (f"tfx explain {name}", f"tfx quiz {name}")
        tasks.append(Task(room - free + 1 + at, name, commands, title[name].minutes + 5, why))
    rehearsal = ("tfx quiz --due", "tfx quiz --interview")
    tasks.append(Task(min(last, days), None, rehearsal, 40, "everything once more, with the clock"))
    return tuple(tasks), tuple(name for name, _, _ in to_repeat[each * room :])
