"""The steps of a topic as everybody sees them first, walked once for all tests that look at them."""

from __future__ import annotations

import functools

from lessons.course import Topic, lesson_of
from lessons.request import Request
from lessons.walk import walk
from tests.once import once
from tfx.records import Step


@functools.cache
def steps_shown(topic: Topic) -> tuple[Step, ...]:
    """With the default settings, seed 0, and the weights that ship."""
    return once(f"topic-{topic.name}", lambda: tuple(walk(topic, Request(None, 0, lesson_of(topic).settings()))))
