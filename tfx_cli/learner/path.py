"""The course as a path: which topic comes next for a reader, and how near each topic is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tfx_cli.learner.progress import NOTHING, Progress

if TYPE_CHECKING:
    from lessons.course import Topic

BEGUN, READY, FAR = range(3)


def next_topic(topics: Sequence[Topic], done: set[str], read: Sequence[str] = ()) -> Topic | None:
    """A topic that is not done and whose prerequisites are: of those in `read`, oldest first, the last, else the first
    of the course; None when all are done."""
    left = [topic for topic in topics if topic.name not in done]
    ready = [topic for topic in left if all(name in done for name in topic.after)]
    by_name = {topic.name: topic for topic in ready}
    begun = next((by_name[name] for name in reversed(read) if name in by_name), None)
    return begun or next(iter(ready or left), None)


def nearness(topics: Sequence[Topic], reached: Mapping[str, Progress]) -> dict[str, int]:
    """Topic -> BEGUN, READY when all that it builds on is done, or FAR."""
    done = {name for name, progress in reached.items() if progress.done}
    return {
        topic.name: BEGUN
        if (progress := reached.get(topic.name, NOTHING)).done or progress.seen
        else READY
        if done.issuperset(topic.after)
        else FAR
        for topic in topics
    }
