"""Every topic of the course keeps the promises that the commands rely on."""

from __future__ import annotations

import importlib
import re
import shlex
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from lessons import quiz
from lessons.course import Request, Topic, find_topic, modules, read_front_matter, topics, walk, walkthrough_module
from tfx.data.toys.tasks import find_task
from tfx.errors import BadInput
from tfx.gradcheck import op_names
from tfx.lab import experiments
from tfx.records import Check, Code, Matrix, Question, Step, Table, to_plain_data

TOPICS = pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)


@cache
def steps_of(topic: Topic, seed: int = 0) -> tuple[Step, ...]:
    settings = walkthrough_module(topic).Settings()
    return tuple(walk(topic, Request(None, seed, settings)))


def checks_in(steps: tuple[Step, ...]) -> list[Check]:
    return [record for step in steps for record in step.records if isinstance(record, Check)]


def test_a_topic_comes_after_everything_that_it_needs():
    seen: set[str] = set()
    for topic in topics():
        assert set(topic.after) <= seen, f"{topic.name} needs {set(topic.after) - seen}, which comes later"
        seen.add(topic.name)


def test_no_name_means_two_topics():
    names = Counter(name for topic in topics() for name in (topic.name, *topic.aliases))
    assert [name for name, times in names.items() if times > 1] == []


def test_attention_means_the_flagship():
    assert find_topic("attention").name == "attention-scaled-dot-product"
    assert find_topic("Softmax_Jacobian").name == "softmax-jacobian"


def test_a_misspelt_topic_gets_the_nearest_name():
    with pytest.raises(BadInput, match=r'Did you mean "scaling-variance"'):
        find_topic("scaling-varience")


def test_no_interview_question_is_claimed_twice():
    questions = Counter(question for topic in topics() for question in topic.questions)
    assert [question for question, times in questions.items() if times > 1] == []
    assert all(re.fullmatch(r"00[0-4]-[a-z0-9-]+", question) for question in questions)


def test_module_three_has_its_nine_topics():
    assert {module.number: len(module.topics) for module in modules()} == {3: 9}


@TOPICS
def test_every_check_of_the_walkthrough_holds(topic):
    for seed in (0, 1, 2):
        failed = [check for check in checks_in(steps_of(topic, seed)) if not check.holds]
        assert failed == []
    assert len(checks_in(steps_of(topic))) >= 2


@TOPICS
def test_the_walkthrough_asks_the_reader_to_predict_something(topic):
    questions = [record for step in steps_of(topic) for record in step.records if isinstance(record, Question)]
    assert questions
    assert all(np.isfinite(question.answer) and question.tolerance > 0 for question in questions)


@TOPICS
def test_the_walkthrough_shows_code_that_it_ran(topic):
    targets = [record.target for step in steps_of(topic) for record in step.records if isinstance(record, Code)]
    assert targets
    assert all(target.__module__.startswith(("tfx.", "lessons.")) for target in targets)


@TOPICS
def test_labels_fit_the_matrices_and_tables(topic):
    for step in steps_of(topic):
        for record in step.records:
            if isinstance(record, Matrix):
                rows, columns = np.asarray(record.values).shape
                assert len(record.rows) in (0, rows), f"{step.title}: {record.name}"
                assert len(record.cols) in (0, columns), f"{step.title}: {record.name}"
            if isinstance(record, Table):
                keys = {column.key for column in record.columns}
                assert all(keys <= set(row) for row in record.rows), f"{step.title}: {record.title}"


@TOPICS
def test_all_text_is_ascii(topic):
    assert "".join(repr(to_plain_data(step)) for step in steps_of(topic)).isascii()
    for name in ("lesson.md", "quiz.toml"):
        assert (topic.path / name).read_text(encoding="utf-8").isascii()


@TOPICS
def test_every_command_that_a_step_suggests_exists(topic):
    for step in steps_of(topic):
        for line in step.what_if:
            words = shlex.split(line)
            assert words[0] == "tfx", line
            assert_known(words[1], words[2:], line)


def assert_known(command: str, rest: list[str], line: str) -> None:
    name = rest[0] if rest and not rest[0].startswith("-") else None
    known = {
        "explain": lambda: find_topic(name or "attention"),
        "quiz": lambda: find_topic(name or "attention"),
        "experiment": lambda: name is None or experiments()[name],
        "train": lambda: find_task(name or "copy"),
        "gradcheck": lambda: name is None or list(op_names()).index(name),
    }
    assert command in known, line
    known[command]()
    if command == "explain" and name is not None and "--set" in rest:
        fields = walkthrough_module(find_topic(name)).Settings.__dataclass_fields__
        for flag, pair in pairwise(rest):
            if flag == "--set":
                assert pair.partition("=")[0] in fields, line
    if command == "explain" and "--step" in rest:
        step = int(rest[rest.index("--step") + 1])
        assert step <= len(steps_of(find_topic(name or "attention"))), line


@TOPICS
def test_every_number_and_source_of_the_lesson_is_live(topic):
    _, body = read_front_matter((topic.path / "lesson.md").read_text(encoding="utf-8"))
    values = walkthrough_module(topic).values()
    names = re.findall(r"\{\{value (\w+)(?::[^}]*)?\}\}", body)
    assert set(names) == set(values), "a value that is not computed, or one that is not shown"
    sources = re.findall(r"\{\{source ([\w.]+)\}\}", body)
    assert sources
    for dotted in sources:
        module, _, name = dotted.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


@TOPICS
def test_every_quiz_item_points_at_a_step_that_exists(topic):
    for item in quiz.topic_items(topic):
        assert item.see is None or 1 <= item.see <= len(steps_of(topic)), item.id
        assert set(item.questions) <= set(topic.questions), item.id


def test_module_three_has_at_least_sixty_items_of_every_kind():
    items = quiz.all_items()
    assert len(items) >= 60
    assert {item.kind for item in items} == {"choice", "several", "number", "shape", "order", "open"}
