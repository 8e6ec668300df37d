"""What a learner leaves with: of each topic its formulas, what is often said too strongly, its sources and what to say."""

from __future__ import annotations

from lessons.course import Topic, lesson_of
from lessons.request import Request
from lessons.walk import walk
from tfx.records import Check, Formula, Record, Said, Source, Step, Text

#: The step of a topic whose paragraphs can be said aloud.
CLOSING = "interview"


def sheet_of(topic: Topic, seed: int = 0) -> Step:
    """The topic on half a page, from the steps themselves, run on its own example.

    The checks of all steps are in it too, so that a sheet with a wrong number cannot pass for a right one.
    """
    steps = list(walk(topic, Request(None, seed, lesson_of(topic).settings(), False)))
    records = [record for step in steps for record in step.records]
    said = [record for step in steps if step.name == CLOSING for record in step.records if isinstance(record, Text)]
    found: list[Record] = [record for record in records if isinstance(record, Formula)]
    found += said
    found += [record for kind in (Said, Source, Check) for record in records if isinstance(record, kind)]
    return Step(topic.title, tuple(once(found)), (), topic.name)


def once(records: list[Record]) -> list[Record]:
    """Each record where it comes first."""
    return [record for place, record in enumerate(records) if record not in records[:place]]
