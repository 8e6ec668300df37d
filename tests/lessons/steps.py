"""Runs a topic and reads its steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lessons.course import find_topic, lesson_of
from lessons.request import Request
from lessons.walk import generator_of, walk
from lessons.writing import as_record
from tfx.records import Check, Record, Step, Table, Text, to_plain_data
from tfx.settings import apply_settings


def steps_of(topic: str, *pairs: str, text: str | None = None, seed: int = 0, untrained: bool = False) -> list[Step]:
    """Every step of a topic under the settings `pairs`, after making sure that each can be written as JSON."""
    steps = list(walk(find_topic(topic), request_for(topic, *pairs, text=text, seed=seed, untrained=untrained)))
    json.dumps(to_plain_data(steps), allow_nan=False)
    return steps


def request_for(topic: str, *pairs: str, text: str | None = None, seed: int = 0, untrained: bool = False) -> Request:
    """What `tfx explain TOPIC` with these options asks for.  Raises BadInput for settings that the topic refuses."""
    settings = apply_settings(lesson_of(find_topic(topic)).settings(), pairs, f"tfx explain {topic} --set help")
    return Request(text, seed, settings, untrained)


def records_of(write: Callable[..., Iterator[Any]], run: Any, seed: int = 0) -> list[Record]:
    """The records of one step, the function `write`, on a run that a test has prepared (or spoilt)."""
    takes_rng = write.__code__.co_argcount > 1
    arguments = (run, generator_of(seed, write.__name__)) if takes_rng else (run,)
    return [as_record(shown) for shown in write(*arguments)]


def failed_in(write: Callable[..., Iterator[Any]], run: Any) -> set[str]:
    """Ids of the checks of one step that do not hold."""
    return {record.id for record in records_of(write, run) if isinstance(record, Check) and not record.holds}


def sentences(records: Sequence[Record]) -> list[str]:
    """The paragraphs."""
    return [record.text for record in records if isinstance(record, Text)]


def tables(records: Sequence[Record]) -> list[Table]:
    return [record for record in records if isinstance(record, Table)]


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
