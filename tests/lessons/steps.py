"""Runs a topic and reads its steps."""

from __future__ import annotations

import json

from lessons.course import Request, find_topic, lesson_of, walk
from tfx.records import Check, Step, to_plain_data
from tfx.settings import apply_settings


def steps_of(topic: str, *pairs: str, text: str | None = None, seed: int = 0, untrained: bool = False) -> list[Step]:
    """Every step of a topic under the settings `pairs`, after making sure that each can be written as JSON."""
    found = find_topic(topic)
    settings = apply_settings(lesson_of(found).settings(), pairs, f"tfx explain {topic} --set help")
    steps = list(walk(found, Request(text, seed, settings, untrained)))
    json.dumps(to_plain_data(steps), allow_nan=False)
    return steps


def checks(steps: list[Step]) -> dict[str, Check]:
    """The checks of all steps by id."""
    found = [check for step in steps for check in step.checks]
    assert len({check.id for check in found}) == len(found), "two checks share an id"
    return {check.id: check for check in found}


def failed(steps: list[Step]) -> list[Check]:
    """The checks that do not hold."""
    return [check for check in checks(steps).values() if not check.holds]


def all_text(steps: list[Step]) -> str:
    """Every word of every record."""
    return json.dumps(to_plain_data(steps), ensure_ascii=False)
