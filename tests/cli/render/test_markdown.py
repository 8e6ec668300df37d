"""The Markdown face: a reader of Markdown shows every sentence as it was written."""

from __future__ import annotations

import html
import os
import re
import sys
from contextlib import suppress

import pytest

from lessons.course import find_topic
from tfx.records import Check, Code, Column, Formula, Question, Said, See, Source, Table, Text, Try
from tfx_cli.notebook import Lesson
from tfx_cli.render.markdown import escaped, fenced, folded, markdown, parts_of_prose, prose
from tfx_cli.terminal.console import on_paper, wants_color

MarkdownIt = pytest.importorskip("markdown_it", reason="comes with rich").MarkdownIt


def shown(text: str) -> str:
    """The text that a reader sees of one paragraph of Markdown."""
    page = MarkdownIt("commonmark").render(text)
    assert re.fullmatch(r"<p>(.*)</p>\n", page, re.DOTALL), page
    return html.unescape(re.sub(r"</?p>", "", page)).rstrip("\n")


ODD = [
    "q*k and 2*3*4", "_a_ and q_1", "1. is a number", "2.5 is one too", "3) too", "- a minus", "+ a plus", "# no head",
    "= and ==", "a < b > c", "<b>bold</b>", "[x](y)", "`code`", "$x$ costs $5", "a|b", "~~gone~~", "back\\slash",
    "&amp; & &lt;", "> quoted", "*", "**", "---", "a\n# b", "![p](q)",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_odd_signs_mean_themselves(text):
    assert shown(escaped(text)) == text


def test_every_paragraph_of_a_topic_comes_out_as_it_went_in():
    lesson = Lesson(find_topic("softmax-attention").name)
    texts = [one.text for name in lesson.names for one in lesson.step(name).records if isinstance(one, Text)]
    assert len(texts) > 10
    for text in texts:
        assert shown(escaped(text)) == text


def test_records_in_order_with_numbers_and_formulas_in_fences():
    records = [
        Text("One."),
        Formula("y = a_1 x", "(T) -> (T)"),
        Formula("z = y"),
        Code(shown),
        Table("grows", (Column("n", "n"),), ({"n": 1},)),
        Check("a", "one is one", 1, 1, 0, True),
        Said("All grow.", "too strong", "Some do.", "C9"),
        Source("Euclid", -300, "Elements", "book VII"),
        See("topic", "step", "A title", "tfx explain topic"),
        Question("How much?", 2.0, 0.1, "Add up."),
        Try("tfx experiment scaling"),
    ]
    text = markdown(records)
    assert text.startswith("One.\n\n```text\ny = a_1 x            (T) -> (T)\nz = y\n```\n\n```text\ngrows\nn\n1\n")
    assert "PASS  one is one" in text.split("```")[3]
    assert text.endswith(
        '**Said:** "All grow."\n\nToo strong: Some do. (C9)\n\n*Source:* Euclid -300, "Elements", book VII\n\n'
        "*See also:* A title\n\n```sh\ntfx explain topic\n```\n\n**Predict:** How much?\n\n<details>\n"
        "<summary>answer</summary>\n\n2\\.  Add up.\n\n</details>\n\n*What if:*\n\n```sh\ntfx experiment scaling\n```"
    )
    assert "shown" not in text, "code is shown by whoever knows its short form"


def test_a_fence_is_longer_than_the_ticks_in_it():
    assert fenced("a ```` b").startswith("`````text\n") and fenced("a").startswith("```text\n")
    assert folded("a_b", "c") == "<details>\n<summary>a\\_b</summary>\n\nc\n\n</details>"


def test_prose_of_a_quiz_keeps_its_formulas():
    text = "First line\nand second.\n\n  x = 1\n    y = 2\n\nEnd."
    assert list(parts_of_prose(text)) == [
        (False, "First line and second."),
        (True, "x = 1\n  y = 2"),
        (False, "End."),
    ]
    assert prose(text) == "First line and second.\n\n```text\nx = 1\n  y = 2\n```\n\nEnd."


def test_paper_leaves_the_terminal_as_it_was(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    before = wants_color(sys.stdout)
    with suppress(ValueError), on_paper(33):
        assert os.environ["COLUMNS"] == "33" and not wants_color(sys.stdout)
        raise ValueError
    assert "COLUMNS" not in os.environ and wants_color(sys.stdout) is before
