"""The course map: modules and topics with numbers, minutes, other names, and how far each is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lessons.exercise_names import derivation_names, exercise_names
from tfx_cli.learner.path import next_topic
from tfx_cli.learner.standing import ANSWERED, RIGHT, Standing
from tfx_cli.render.wrapping import labelled, wrapped

if TYPE_CHECKING:
    from lessons.course import Module, Topic

MARGIN = " " * 3
#: done, begun, not begun; the words beside it say the same
DONE, BEGUN, UNREAD = "[x]", "[-]", "[ ]"


def terminal_lines(modules: Sequence[Module], stands: Mapping[str, Standing], width: int) -> Iterator[tuple[str, bool]]:
    """The lines, and whether each is a heading.  stands: how each topic of the course stands."""
    yield "The course", True
    topics = [topic for module in modules for topic in module.topics]
    label = max(len(f"{UNREAD} {topic.number}  ") for topic in topics)
    column = max(len(topic.title) for topic in topics) + 3
    aside = max(len(aside_of(topic, stands)) for topic in topics)
    beside = len(MARGIN) + label + column + aside <= width
    for module in modules:
        yield "", False
        for line in wrapped(f"{module.number}  {module.title}", width, MARGIN):
            yield line, True
        done = sum(stands[topic.name].progress.done for topic in module.topics)
        minutes = sum(topic.minutes for topic in module.topics)
        topics_here = f"{len(module.topics)} topic{'' if len(module.topics) == 1 else 's'}"
        about = f"{module.about}  {done} of {topics_here} done, {minutes} minutes in all."
        for line in wrapped(about, width - len(MARGIN)):
            yield MARGIN + line, False
        for topic in module.topics:
            title = topic.title
            if beside:
                title = f"{title.ljust(column)}{aside_of(topic, stands)}"
            first, *rest = wrapped(title, width - len(MARGIN) - label)
            yield MARGIN + f"{mark_of(topic, stands)} {topic.number}".ljust(label) + first, False
            longest = max(len(word) for word in topic.name.split())
            blank = " " * min(len(MARGIN) + label, max(width - longest, len(MARGIN)))
            below = [] if beside else [aside_of(topic, stands).strip().replace("  ", ", ")]
            below += labelled_names(topic, width - len(blank))
            for what, names in (("write it", exercise_names(topic)), ("derive it", derivation_names(topic))):
                below += wrapped(f"{what}: {', '.join(names)}", width - len(blank)) if names else []
            for line in [*rest, *below]:
                yield blank + line, False
    yield "", False
    start = next_topic(topics, {name for name, standing in stands.items() if standing.progress.done}) or topics[0]
    for line in labelled("a topic:", f"tfx explain {start.number}   or by name: tfx explain {start.name}", width, ""):
        yield line, False
    for line in labelled("to read:", f"tfx explain {start.number} --lesson", width, ""):
        yield line, False
    if any(exercise_names(topic) for topic in topics):
        for line in labelled("to write:", "tfx practice start NAME", width, ""):
            yield line, False
    if any(derivation_names(topic) for topic in topics):
        for line in labelled("derive:", "tfx practice derive NAME", width, ""):
            yield line, False
    if any(standing.word == "known" for standing in stands.values()):
        rule = f"{ANSWERED:.0%} of its questions answered, {RIGHT:.0%} of them rightly the last time"
        for line in labelled("known:", rule, width, ""):
            yield line, False


def mark_of(topic: Topic, stands: Mapping[str, Standing]) -> str:
    standing = stands[topic.name]
    return DONE if standing.progress.done else UNREAD if standing.word == "new" else BEGUN


def aside_of(topic: Topic, stands: Mapping[str, Standing]) -> str:
    """` 9 min  seen 3 of 11`"""
    return f"{topic.minutes:>2} min  {stands[topic.name].words}"


def labelled_names(topic: Topic, width: int) -> list[str]:
    """The name that is typed, and its other names."""
    whole = ", or ".join(filter(None, [topic.name, ", ".join(topic.aliases)]))
    if len(whole) <= width or not topic.aliases:
        return wrapped(whole, width)
    return [topic.name, *wrapped("or " + ", ".join(topic.aliases), width)]


def plain_lines(modules: Sequence[Module], stands: Mapping[str, Standing]) -> Iterator[str]:
    """One record a line."""
    from tfx_cli.render.plain import line

    for module in modules:
        yield line("module", module.number, module.title, module.about)
        for topic in module.topics:
            names, words = ", ".join(topic.aliases), stands[topic.name].words
            yield line("topic", topic.name, topic.title, f"{topic.minutes} min", names, topic.number, words)
            yield from (line("write", topic.name, name) for name in exercise_names(topic))
            yield from (line("derive", topic.name, name) for name in derivation_names(topic))


def document_of(modules: Sequence[Module], stands: Mapping[str, Standing]) -> dict[str, Any]:
    """The JSON face.  seen: of `steps` steps; steps is null where nobody has counted them on this machine; state: one
    word of tfx_cli.learner.standing; due: its questions that are waiting; exercises: what there is to write;
    derivations: what there is to derive."""
    return {
        "modules": [
            {
                "number": module.number,
                "title": module.title,
                "about": module.about,
                "topics": [_fields(topic, stands[topic.name]) for topic in module.topics],
            }
            for module in modules
        ]
    }


def _fields(topic: Topic, standing: Standing) -> dict[str, Any]:
    progress = standing.progress
    return {
        "name": topic.name,
        "title": topic.title,
        "level": topic.level,
        "minutes": topic.minutes,
        "after": topic.after,
        "aliases": topic.aliases,
        "number": topic.number,
        "seen": progress.seen,
        "steps": progress.steps or None,
        "done": progress.done,
        "state": standing.word,
        "due": standing.due,
        "exercises": exercise_names(topic),
        "derivations": derivation_names(topic),
    }
