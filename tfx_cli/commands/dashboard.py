"""`tfx` alone: where you are, what is due, and the next useful command.  Reads only; imports neither NumPy nor Rich."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tfx_cli.find_lessons import ensure_lessons
from tfx_cli.options import Face
from tfx_cli.render.pages.dashboard import Advice, Dashboard, Progress, plain_lines, terminal_lines
from tfx_cli.render.show import show_document
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import show_line, tell

if TYPE_CHECKING:
    from lessons.course import Module, Topic
    from tfx_cli.learner.state import State


def show_dashboard(face: Face = Face.terminal) -> None:
    """Prints where the reader is; creates nothing."""
    ensure_lessons()
    from tfx_cli.learner.state import open_to_read

    with open_to_read() as state:
        dashboard = measure(state, datetime.now(UTC))
        notice = state.notice
    if notice:
        tell("tfx: " + notice)
    if face is Face.json:
        show_document(asdict(dashboard))
        return
    for line in plain_lines(dashboard) if face is Face.plain else terminal_lines(dashboard, prose_width()):
        show_line(line)


def measure(state: State, now: datetime) -> Dashboard:
    """Counts topics and cards and chooses what to advise."""
    from lessons.course import modules, topics
    from lessons.quiz_ids import item_ids
    from tfx.lab import experiments
    from tfx_cli.quizzing.stats import seconds_per_answer

    explained = state.explained()
    ids = {item for topic in topics() for item in item_ids(topic)}
    when = {item: due for item, due in state.due().items() if item in ids}
    due = sum(moment <= now for moment in when.values())
    new = len(ids) - len(when)
    minutes = math.ceil(due * seconds_per_answer(state.answers()) / 60)
    following = next_topic(modules(), explained)
    name, about = next(iter(experiments().items()))
    advice = [
        Advice("next", following.title, f"tfx explain {following.name}")
        if following
        else Advice("next", "every topic seen: say it aloud", "tfx quiz --interview"),
        Advice("due", due_in_words(due, new, minutes), "tfx quiz"),
        Advice("try", about.split("  ")[0], f"tfx experiment {name}"),
    ]
    progress = tuple(
        Progress(module.title, sum(topic.name in explained for topic in module.topics), len(module.topics))
        for module in modules()
    )
    return Dashboard(progress, due, new, minutes, tuple(advice))


def next_topic(course: tuple[Module, ...], explained: set[str]) -> Topic | None:
    """The first topic not seen yet whose prerequisites were; None when all were seen."""
    unseen = [topic for module in course for topic in module.topics if topic.name not in explained]
    ready = [topic for topic in unseen if all(name in explained for name in topic.after)]
    return next(iter(ready or unseen), None)


def due_in_words(due: int, new: int, minutes: int) -> str:
    """`7 cards, about 4 minutes`; without any, how many are new."""
    if due:
        cards = f"{due} card{'' if due == 1 else 's'}"
        return f"{cards}, about {minutes} minute{'' if minutes == 1 else 's'}"
    return f"nothing; {new} new question{'' if new == 1 else 's'}"
