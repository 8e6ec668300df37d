"""Links made whole: a suggestion or a pointer becomes the command to type, with what the reader brought along.

The reader's sentence goes wherever a topic reads one, the seed wherever there is one, and the settings stay with the
topic that they belong to.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping

from lessons import course
from lessons.course import Topic
from lessons.request import Request
from tfx.records import See, Try
from tfx.settings import as_typed, changed

#: Commands besides `tfx explain` that take `--seed`, and whose numbers follow from it.
SEEDED = ("experiment", "bench")


def completed(link: Try | See, topic: Topic, step: str, request: Request) -> Try | See:
    """`link` as it is shown at `step` of `topic`.  Raises BadInput when it names a topic or a step that is not there."""
    if isinstance(link, Try) and link.seed is not None:
        request = dataclasses.replace(request, seed=link.seed)
    if isinstance(link, See):
        there = course.find_topic(link.topic)
        title = course.lesson_of(there).title_of(link.step) if link.step else there.title
        place = f" --step {link.step}" if link.step else ""
        command = f"tfx explain {there.name}{place}" + _brought(there, topic, request)
        return dataclasses.replace(link, title=title, command=command)
    if not link.command:
        command = f"tfx explain {topic.name} --step {step}"
        command += _brought(topic, topic, request, link.settings, link.text)
    else:
        command = link.command + _for_command(link, topic, request)
    return dataclasses.replace(link, command=command)


def whole_command(topic: Topic, request: Request) -> str:
    """`tfx explain` for that topic with everything the reader brought along."""
    return f"tfx explain {topic.name}" + _brought(topic, topic, request)


def _for_command(link: Try, topic: Topic, request: Request) -> str:
    words = link.command.split()
    name = words[2] if len(words) > 2 and not words[2].startswith("-") else None
    if words[1] == "explain" and name is not None:
        return _brought(course.find_topic(name), topic, request, link.settings, link.text)
    return (_seed(request) if words[1] in SEEDED and name is not None else "") + _set(link.settings)


def _brought(
    there: Topic, here: Topic, request: Request, settings: Mapping[str, object] | None = None, text: str | None = None
) -> str:
    """The options that the reader's own input becomes in another place."""
    text = request.text if text is None else text
    sentence = f" --text {shlex.quote(text)}" if text is not None and course.lesson_of(there).text is not None else ""
    kept = changed(request.settings) if there == here else {}
    untrained = " --untrained" if request.untrained and course.lesson_of(there).trained else ""
    return sentence + _seed(request) + untrained + _set({**kept, **(settings or {})})


def _seed(request: Request) -> str:
    return f" --seed {request.seed}" if request.seed else ""


def _set(settings: Mapping[str, object]) -> str:
    typed = ((name, value if isinstance(value, str) else as_typed(value)) for name, value in settings.items())
    return "".join(f" --set {name}={shlex.quote(value)}" for name, value in typed)
