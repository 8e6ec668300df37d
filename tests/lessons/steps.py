"""Runs a walkthrough and reads its steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from lessons.course import Request
from tfx.records import Check, Step, to_plain_data


def steps_of(walkthrough: Callable[[Request], Iterator[Step]], request: Request) -> list[Step]:
    """Every step, after making sure that each can be written as JSON."""
    steps = list(walkthrough(request))
    json.dumps(to_plain_data(steps), allow_nan=False)
    return steps


def checks(steps: list[Step]) -> dict[str, Check]:
    """The checks of all steps by id."""
    found = [record for step in steps for record in step.records if isinstance(record, Check)]
    assert len({check.id for check in found}) == len(found), "two checks share an id"
    return {check.id: check for check in found}


def failed(steps: list[Step]) -> list[Check]:
    """The checks that do not hold."""
    return [check for check in checks(steps).values() if not check.holds]


def all_text(steps: list[Step]) -> str:
    """Every word of every record."""
    return json.dumps(to_plain_data(steps), ensure_ascii=False)
