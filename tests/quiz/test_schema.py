"""A quiz.toml that breaks a rule is refused with the file, the item and the rule."""

from __future__ import annotations

import pytest

from lessons.quiz import BadCourseFile, read_items

HEAD = """
[[item]]
id = "topic/one"
kind = "choice"
level = 1
questions = ["002-q03"]
prompt = "Which?"
explain = "Because."
"""
RIGHT = '[[item.option]]\ntext = "this"\ncorrect = true\n'
WRONG = '[[item.option]]\ntext = "that"\nmisconception = "a mistake"\nwhy = "no"\n'
OTHER = '[[item.option]]\ntext = "other"\nmisconception = "another mistake"\nwhy = "no"\n'
GOOD = HEAD + RIGHT + WRONG + OTHER
ORDER = HEAD.replace("choice", "order") + 'steps = ["a", "b", "c"]\n'
SLIP = '[[item.mistake]]\nputs = {}\nbefore = {}\nmisconception = "m"\nwhy = "w"\n'


def read(tmp_path, text: str):
    path = tmp_path / "quiz.toml"
    path.write_text(text, encoding="utf-8")
    return read_items(path, "topic", "lessons.topic")


def test_a_good_item_is_read(tmp_path):
    (item,) = read(tmp_path, GOOD)
    assert (item.id, item.kind, len(item.options), item.see) == ("topic/one", "choice", 3, "")


def test_all_but_one_option_of_several_may_be_right(tmp_path):
    (item,) = read(tmp_path, (HEAD + RIGHT + RIGHT.replace("this", "it") + WRONG).replace("choice", "several"))
    assert [option.correct for option in item.options] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (GOOD.replace("topic/one", "elsewhere/one"), 'id must be "topic/"'),
        (GOOD.replace('"choice"', '"riddle"'), "kind must be one of"),
        (GOOD.replace("level = 1", "level = 7"), "level must be 1, 2 or 3"),
        (GOOD.replace('prompt = "Which?"\n', ""), "needs prompt"),
        (GOOD.replace('prompt = "Which?"\n', 'prompt = "Which?"\ncolour = "red"\n'), "has no colour"),
        (GOOD.replace("Because.", "Weil er groesser ist: \u00e4"), "plain ASCII"),
        (GOOD.replace("Because.", " "), "empty text"),
        (GOOD.replace("level = 1", "level = 1\nsee = 4"), "name of a step"),
        (HEAD + RIGHT + WRONG, "at least two wrong options"),
        (HEAD + WRONG + OTHER, "has 0 right options"),
        ((HEAD + RIGHT).replace("choice", "several"), "needs at least one wrong option"),
        (GOOD + RIGHT.replace("this", "it"), "has 2 right options"),
        (GOOD + RIGHT, "same text"),
        (GOOD.replace('misconception = "a mistake"\n', ""), "needs a misconception and a why"),
        (GOOD.replace("correct = true", 'correct = true\nmisconception = "x"'), "yet names a misconception"),
        (GOOD.replace("correct = true", "corect = true"), "corect"),
        (GOOD + GOOD, "used twice"),
        (ORDER, "needs mistake"),
        (ORDER + SLIP.format(1, 2), "not two steps in the wrong order"),
        (ORDER + SLIP.format(4, 1), "not two steps in the wrong order"),
        (HEAD.replace("choice", "open") + 'key_points = ["one", "two"]\n', "has 2 key points"),
        (HEAD.replace("choice", "number"), "needs compute"),
        (HEAD.replace("choice", "estimate") + 'compute = "one"\n', "needs about"),
        (HEAD.replace("choice", "number") + 'compute = "one"\nabout = "gpt"\n', "has no about"),
    ],
)
def test_a_broken_rule_is_named_with_file_and_item(tmp_path, text, rule):
    with pytest.raises(BadCourseFile) as caught:
        read(tmp_path, text)
    assert rule in caught.value.message
    assert "quiz.toml" in caught.value.message and "item" in caught.value.message


def test_broken_toml_names_the_file_and_the_line(tmp_path):
    with pytest.raises(BadCourseFile, match=r"quiz\.toml.*line 2"):
        read(tmp_path, "[[item]]\nid = \n")


def test_a_file_without_items_is_refused(tmp_path):
    with pytest.raises(BadCourseFile, match="nothing"):
        read(tmp_path, "")
