"""A topic as a Markdown file: the lesson, the quiz, and the answers folded at its end."""

from __future__ import annotations

import pytest

from lessons.course import find_topic
from lessons.grading import ask, item_seed
from lessons.quiz import topic_items
from tfx_cli.exporting.page import page_of
from tfx_cli.notebook import Lesson
from tfx_cli.render.markdown import escaped

TOPIC = find_topic("softmax-jacobian")


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(TOPIC, 0).decode("utf-8")


def test_every_step_every_question_and_every_answer_is_there_in_order(page):
    lesson, questions, answers = page.split("\n## Quiz\n")[0], *page.split("\n## Quiz\n")[1].split("<summary>Answers")
    steps = Lesson(TOPIC.name)
    heads = [f"## {n}. {escaped(steps.step(name).title)}" for n, name in enumerate(steps.names, start=1)]
    assert [line for line in lesson.splitlines() if line.startswith("## ")] == heads
    asked = [ask(item, item_seed(0, item.id)) for item in sorted(topic_items(TOPIC), key=lambda item: item.level)]
    assert questions.count("### Question ") == len(asked)
    for number, one in enumerate(asked, start=1):
        assert f"### Question {number} (level {one.item.level})" in questions
        assert f"**{number}.**" in answers
        if one.item.kind == "open":
            assert all(f"- {escaped(point)}" in answers for point in one.item.key_points)
        else:
            assert f"**{number}.** {escaped(one.answer)}\n" in answers
            assert all(f"{place}. {escaped(text)}\n" in questions for place, text in enumerate(one.choices, start=1))
    assert page.endswith("\n\n</details>\n") and page.count("<details>") == page.count("</details>")


def test_code_stands_in_a_few_lines_with_its_place(page):
    assert "```python\ndef jacobian(p):\n" in page
    assert "\nCode: `tfx/ops/basics/softmax.py:" in page


def test_equal_seeds_give_equal_bytes_and_it_is_plain_ascii(page):
    again, other = page_of(TOPIC, 0).decode("utf-8"), page_of(TOPIC, 5).decode("utf-8")
    assert again == page != other
    assert page.isascii() and not [line for line in page.splitlines() if line != line.rstrip()]
