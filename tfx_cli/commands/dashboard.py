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
    from lessons.decks import DECKS
    from lessons.quiz_ids import item_ids
    from tfx.lab import experiments
    from tfx_cli.learner.progress import NOTHING, progress
    from tfx_cli.quizzing.next_step import next_step
    from tfx_cli.quizzing.stats import seconds_per_answer

    reached, log = progress(state), state.answers()
    ids = {item for topic in (*topics(), *DECKS) for item in item_ids(topic)}
    when = {item: due for item, due in state.due().items() if item in ids}
    due = sum(moment <= now for moment in when.values())
    new = len(ids) - len(when)
    minutes = math.ceil(due * seconds_per_answer(log) / 60)
    following = next_step(topics(), reached, log, state.seen(), due, state.calling())
    name, about = next(iter(experiments().items()))
    advice = (
        Advice("next", following.title, following.command, following.reason),
        *([Advice("skip", "you know it already?", following.skipped_by)] if following.skipped_by else []),
        Advice("due", due_in_words(due, new, minutes), "tfx quiz"),
        Advice("try", about.split("  ")[0], f"tfx experiment {name}"),
    )
    done = [[reached.get(topic.name, NOTHING).done for topic in module.topics] for module in modules()]
    counts = tuple(
        Progress(module.title, sum(topics_done), len(topics_done))
        for module, topics_done in zip(modules(), done, strict=True)
    )
    here = following.topic.module if following.topic else counts[-1].title
    return Dashboard(counts, due, new, minutes, advice, here)


def due_in_words(due: int, new: int, minutes: int) -> str:
    """`7 cards, about 4 minutes`; without any, how many are new."""
    if due:
        cards = f"{due} card{'' if due == 1 else 's'}"
        return f"{cards}, about {minutes} minute{'' if minutes == 1 else 's'}"
    return f"nothing; {new} new question{'' if new == 1 else 's'}"
