"""Every topic of the course keeps the promises that the commands rely on."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from lessons import quiz
from lessons.attention.notation.letters import BORROWED, ELSEWHERE
from lessons.course import ROOT, Topic, find_topic, lesson_of, modules, topics
from lessons.request import Request
from lessons.walk import walk
from lessons.writing import Lesson
from tests.lessons.letters import AXES, second_meanings, topics_of, unknown
from tests.lessons.shown import steps_shown
from tfx.errors import BadInput
from tfx.gradcheck import op_names
from tfx.lab import experiment_module, experiments
from tfx.records import (
    Check,
    Code,
    Formula,
    Matrix,
    Question,
    Record,
    Said,
    See,
    Source,
    Table,
    Text,
    to_plain_data,
)
from tfx.settings import apply_settings, as_typed, describe

TOPICS = pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)


def records_of(topic: Topic, kind: type) -> list[Record]:
    return [record for step in steps_shown(topic) for record in step.records if isinstance(record, kind)]


def test_a_topic_comes_after_everything_that_it_needs():
    seen: set[str] = set()
    for topic in topics():
        assert set(topic.after) <= seen, f"{topic.name} needs {set(topic.after) - seen}, which comes later"
        seen.add(topic.name)


#: A student with linear algebra and little else reads them in this order: words and pictures before their formulas.
ORDER = """
    why-not-rnn attention-intuition attention-shapes attention-qkv softmax-attention attention-scaled-dot-product
    scaling-variance softmax-jacobian attention-additive-vs-dot transformer-vs-rnn notation
"""


def test_the_course_begins_with_what_goes_in():
    assert topics()[0].name == "sequences-order" and not topics()[0].after


def test_the_module_on_attention_goes_from_the_question_to_the_formula_and_on():
    (module,) = (module for module in modules() if module.number == 3)
    names = [topic.name for topic in module.topics]
    assert names == ORDER.split()
    assert [topic.name for topic in module.topics[1:] if not topic.after] == ["notation"], "a page to look things up"


def roads(name: str) -> set[str]:
    """What a topic needs, and what that needs, and so on."""
    needed = set(find_topic(name).after)
    return needed.union(*(roads(one) for one in needed))


def test_attention_is_a_short_road():
    """Who starts at module 3 needs nothing of the modules before it to get to the formula."""
    home = {topic.name for topic in topics() if topic.module == find_topic("attention").module}
    assert roads("attention") == {*ORDER.split()[:5]}
    assert all(roads(name) <= home for name in home - {"transformer-vs-rnn"})


#: topic -> what it needs of earlier modules, besides attention
JOINTS = {
    "transformer-vs-rnn": {"transformer-motivation"},
    "cross-attention": {"seq2seq-bottleneck"},
    "positional-need": {"masking-causal"},
    "positional-sinusoidal": {"embeddings"},
    "positional-learned": {"embeddings"},
    "attention-bias": {"masking-mechanics"},
    "residual": {"neural-layer"},
    "layernorm": {"neural-layer"},
    "layernorm-vs-batchnorm": {"masking-padding"},
    "ffn": {"neural-layer"},
    "transformer-block": {"multi-head"},
}


def test_modules_are_joined_where_a_topic_builds_on_one_of_an_earlier_module():
    module_of, home = {topic.name: topic.module for topic in topics()}, find_topic("attention").module
    found = {
        topic.name: {name for name in topic.after if module_of[name] not in (topic.module, home)}
        for module in modules()
        if 3 <= module.number <= 8
        for topic in module.topics
    }
    whole = {topic.name for module in modules() if module.number == 8 for topic in module.topics}
    assert all(found.pop(name) for name in whole), "a whole model is made of what came before"
    assert {name: needed for name, needed in found.items() if needed} == JOINTS
    behind = [module for module in modules() if module.number > 8]
    assert all(topic.after for module in behind for topic in module.topics)


#: What is read of a record, word by word; numbers and pictures have their time in the half minute of a step.
READ = {
    Text: ["text"],
    Formula: ["text"],
    Said: ["sentence", "truth"],
    Question: ["prompt", "explanation"],
    Matrix: ["name", "note"],
}


@TOPICS
def test_the_minutes_are_counted_by_words_and_steps(topic):
    shown = [record for step in steps_shown(topic) for record in step.records]
    words = sum(len(getattr(r, field).split()) for r in shown for field in READ.get(type(r), ()))
    minutes = words / 150 + 0.5 * len(steps_shown(topic))
    assert abs(topic.minutes - minutes) <= max(1.5, 0.15 * minutes), f"{topic.name}: write minutes = {round(minutes)}"


def formulas(topic: Topic) -> list[Formula]:
    return [record for step in steps_shown(topic) for record in step.records if isinstance(record, Formula)]


@TOPICS
def test_every_letter_of_every_formula_has_its_line_on_the_page_of_notation(topic):
    missing = {record.text: unknown(record.text, topic) for record in formulas(topic) if unknown(record.text, topic)}
    assert not missing, f"add these to lessons/attention/notation/letters.py, or use its letters: {missing}"


@TOPICS
def test_no_letter_of_an_axis_stands_for_something_else(topic):
    wrong = [record.text for record in formulas(topic) if second_meanings(record.text, record.shapes)]
    assert not wrong, f"{' '.join(AXES)} are sizes, and shapes are made of them: {wrong}"
    assert not [r.name for r in records_of(topic, Matrix) if r.name in AXES or r.name.split()[0] in AXES]


@TOPICS
def test_what_a_topic_borrows_from_the_page_of_notation_stands_in_its_formulas(topic):
    text = "   ".join(f"{record.text}   {record.shapes}" for record in formulas(topic))
    for sign in BORROWED:
        if topic in topics_of(sign) and sign not in ELSEWHERE:
            for letter in sign.letters:
                assert re.search(rf"(?<![A-Za-z])d?{re.escape(letter)}(?![A-Za-z])", text), f"{letter} in {topic.name}"


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


def test_every_folder_with_a_lesson_has_its_line_and_every_line_its_folder():
    numbers = [module.number for module in modules()]
    assert numbers == sorted(set(numbers)) and all(module.topics for module in modules())
    folders = sorted(path.parent.relative_to(ROOT).as_posix() for path in ROOT.rglob("lesson.py"))
    assert sorted(topic.folder for topic in topics()) == folders


@TOPICS
def test_every_check_holds(topic):
    assert [check for check in records_of(topic, Check) if not check.holds] == []
    ids = [check.id for check in records_of(topic, Check)]
    assert len(ids) >= 2 and len(set(ids)) == len(ids)


@TOPICS
def test_the_reader_is_asked_to_predict_something(topic):
    questions = records_of(topic, Question)
    assert questions
    assert all(np.isfinite(question.answer) and 0 <= question.tolerance < 0.05 for question in questions)


@TOPICS
def test_a_lesson_shows_code_that_it_ran(topic):
    targets = [record.target for record in records_of(topic, Code)]
    assert targets
    assert all(target.__module__.startswith(("tfx.", "lessons.")) for target in targets)


@TOPICS
def test_labels_fit_the_matrices_and_tables(topic):
    for step in steps_shown(topic):
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
    assert "".join(repr(to_plain_data(step)) for step in steps_shown(topic)).isascii()
    assert (topic.path / "quiz.toml").read_text(encoding="utf-8").isascii()


@TOPICS
def test_no_text_counts_steps(topic):
    """Links go by name: a number typed into prose would be wrong as soon as a step is added."""
    source = "".join(path.read_text(encoding="utf-8") for path in topic.path.glob("*.py"))
    source += (topic.path / "quiz.toml").read_text(encoding="utf-8")
    assert re.findall(r"(?i)\bsteps? \d+|--step \d+", source) == []


@TOPICS
def test_what_is_said_has_a_verdict_and_a_paper_a_year(topic):
    for said in records_of(topic, Said):
        assert said.verdict in ("true", "true with conditions", "too strong", "false")
        assert said.sentence and said.truth and re.fullmatch(r"(C\d{3})?", said.claim)
    for source in records_of(topic, Source):
        assert source.authors and source.title and 1900 < source.year < 2030


# Links


OWN = "the dog did not enter the park because it was too crowded"


def brought(topic: Topic) -> tuple[Request, list[str]]:
    """A request with a text, a seed and one changed setting, where the topic has them; and the words they become."""
    lesson = lesson_of(topic)
    settings, words = lesson.settings(), ["--seed", "3"]
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, int) and not isinstance(value, bool):
            pair = f"{field.name}={value + 1}"
            try:
                settings = apply_settings(settings, [pair], "")
            except BadInput:
                continue
            words += ["--set", pair]
            break
    text = OWN if lesson.text is not None else None
    return Request(text, 3, settings), words + (["--text", OWN] if text else [])


@TOPICS
def test_every_suggestion_exists_and_keeps_the_readers_text_seed_and_settings(topic):
    request, words = brought(topic)
    steps = walk(topic, request)
    for step in steps:
        pointers = [record.command for record in step.records if isinstance(record, See)]
        for line in (*step.what_if, *pointers):
            typed = shlex.split(line)
            assert_known(typed, line)
            if typed[1] == "explain" and find_topic(typed[2]) == topic:
                for flag, value in zip(words[::2], words[1::2], strict=True):
                    overridden = flag == "--set" and any(pair.startswith(value.split("=")[0] + "=") for pair in typed)
                    replaced = flag in ("--text", "--seed") and flag in typed
                    assert (flag, value) in pairwise(typed) or overridden or replaced, line
            if typed[1] == "experiment" and len(typed) > 2:
                assert ("--seed", "3") in pairwise(typed), line


def assert_known(words: list[str], line: str) -> None:
    """The command exists, its topic or experiment, its step and every setting, which parses and is in range."""
    assert words[0] == "tfx" and "--step" not in words[-1:], line
    command = words[1]
    name = words[2] if len(words) > 2 and not words[2].startswith("-") else None
    pairs = [value for flag, value in pairwise(words) if flag == "--set"]
    if command == "explain":
        assert name is not None, line
        lesson = lesson_of(find_topic(name))
        apply_settings(lesson.settings(), pairs, line)
        if "--step" in words:
            lesson.title_of(words[words.index("--step") + 1])
        assert "--text" not in words or lesson.text is not None, line
    elif command == "experiment":
        assert name in experiments(), line
        apply_settings(experiment_module(name).Settings(), pairs, line)
    elif command == "quiz":
        assert name is None or find_topic(name), line
    elif command == "gradcheck":
        assert name is None or name in list(op_names()), line
    else:
        assert command in ("train", "bench", "generate", "systems"), line


def backwards(lesson: Lesson) -> Lesson:
    """The same lesson with its steps in the order from last to first."""
    other = Lesson(lesson.start, lesson.settings, lesson.text, lesson.trained)
    other.scenes = lesson.scenes[::-1]
    return other


@TOPICS
def test_in_another_order_every_link_and_every_number_of_a_step_is_the_same(topic, monkeypatch):
    lesson, before = lesson_of(topic), {step.name: step for step in steps_shown(topic)}
    monkeypatch.setattr(f"{topic.package}.lesson.lesson", backwards(lesson))
    turned = walk(topic, Request(None, 0, lesson.settings()))
    assert turned.names == (*before,)[::-1]
    for item in quiz.topic_items(topic):
        if item.see:
            one, other = turned[turned.place(item.see)], before[item.see]
            assert (one.title, one.what_if) == (other.title, other.what_if)
    for step in turned:
        one, other = ([values(record) for record in step_.records] for step_ in (step, before[step.name]))
        if "time" not in step.name:  # a step that times something says so in its name
            assert one == other, step.name


def values(record: Record) -> str:
    return repr(to_plain_data(record))


# Settings


@TOPICS
def test_every_setting_says_what_it_means_and_what_it_allows(topic):
    for described in describe(lesson_of(topic).settings()):
        assert described.about and described.allowed, described.name
        unbounded = described.allowed in ("a number", "a whole number", "a number or none", "a whole number or none")
        assert not unbounded and described.allowed != "joined by commas", described


@TOPICS
def test_what_is_out_of_range_gets_a_sentence_and_the_nearest_allowed_value(topic):
    settings = lesson_of(topic).settings()
    for field in dataclasses.fields(settings):
        for limit, beyond in (("low", -1), ("high", 1)):
            bound = field.metadata[limit]
            if field.metadata["words"] or not np.isfinite(bound):
                continue
            step = beyond * max(1, abs(bound))
            pair = f"{field.name}={as_typed(type(bound)(bound + step))}"
            with pytest.raises(BadInput) as caught:
                apply_settings(settings, [pair], "see")
            assert field.name in caught.value.message, pair
            nearest = caught.value.hint.removeprefix("Try: --set ")
            assert nearest.split("=")[1] == as_typed(bound), caught.value.hint


# Quiz


@TOPICS
def test_every_quiz_item_points_at_a_step_that_exists(topic):
    for item in quiz.topic_items(topic):
        assert not item.see or lesson_of(topic).title_of(item.see), item.id
        assert set(item.questions) <= set(topic.questions), item.id


def test_the_course_has_items_of_every_kind():
    items = quiz.all_items()
    assert len(items) >= 60
    assert {item.kind for item in items} == {"choice", "several", "number", "shape", "order", "open", "estimate"}
