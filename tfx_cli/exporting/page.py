"""A topic as one Markdown file: the lesson, its quiz, and at the end the answers, folded."""

from __future__ import annotations

from collections.abc import Iterator

from lessons.course import Topic
from lessons.grading import Asked, ask, item_seed
from lessons.quiz import topic_items
from tfx.records import Code
from tfx_cli.notebook import Lesson
from tfx_cli.quizzing.round import where_to_see
from tfx_cli.render.markdown import escaped, fenced, folded, markdown, prose
from tfx_cli.render.source_code import link_of, short_source_of


def page_of(topic: Topic, seed: int) -> bytes:
    """The file."""
    asked = [ask(item, item_seed(seed, item.id)) for item in sorted(topic_items(topic), key=lambda item: item.level)]
    parts = [*lesson_parts(topic, seed), *question_parts(asked), folded("Answers", "\n\n".join(answer_parts(asked)))]
    return ("\n\n".join(part for part in parts if part) + "\n").encode("utf-8")


def lesson_parts(topic: Topic, seed: int) -> Iterator[str]:
    from tfx.short_forms import short_form

    lesson = Lesson(topic.name, seed)
    yield f"# {escaped(topic.title)}"
    yield f"Topic {topic.number} of tfx, level {topic.level}, {topic.minutes} minutes; all numbers with seed {seed}."
    for number, name in enumerate(lesson.names, start=1):
        step = lesson.step(name)
        yield f"## {number}. {escaped(step.title)}"
        yield markdown(step.records)
        for target in [record.target for record in step.records if isinstance(record, Code)]:
            form = short_form(target)
            source = fenced(short_source_of(form), "python") + "\n\n" if form else ""
            yield f"{source}Code: `{link_of(target)}`"
        yield markdown(step.tries)


def question_parts(asked: list[Asked]) -> Iterator[str]:
    yield "## Quiz"
    for number, question in enumerate(asked, start=1):
        yield f"### Question {number} (level {question.item.level})"
        yield prose(question.prompt)
        if question.item.kind != "open":
            yield "\n".join(f"{place}. {escaped(choice)}" for place, choice in enumerate(question.choices, start=1))


def answer_parts(asked: list[Asked]) -> Iterator[str]:
    for number, question in enumerate(asked, start=1):
        points = [f"- {escaped(point)}" for point in question.item.key_points]
        yield f"**{number}.**" + ("\n".join(["", "", *points]) if points else f" {escaped(question.answer)}")
        yield prose(question.explain)
        yield f"See it: `{where_to_see(question.item)}`"
