"""Links by name: every suggestion is a whole command that brings along the reader's text, seed and settings."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import pytest

from lessons.course import find_topic
from lessons.links import completed
from lessons.request import Request
from lessons.walk import walk
from tests.lessons.made_up import made_up_course
from tfx.errors import BadInput
from tfx.records import See, Try
from tfx.settings import setting

LINE = (
    'name = "{0}", folder = "{0}", title = "Topic {0}", level = 1, minutes = 1, '
    "questions = [], after = [], aliases = []"
)
COURSE = f"""
[[module]]
number = 1
title = "Two"
about = "Two topics."
folder = "two"
topics = [
  {{ {LINE.format("reads")} }},
  {{ {LINE.format("counts")} }},
]
"""
READS = """
from lessons.writing import Lesson
lesson = Lesson(lambda request: request, text="a sentence", trained=True)

@lesson.step("The words")
def the_words(run):
    yield "Words."
"""
COUNTS = READS.replace(', text="a sentence", trained=True', "")


@dataclass(frozen=True)
class Settings:
    width: int = setting(4, 1, 9, "width")
    scale: float = setting(1.0, -9, 9, "scale")


@pytest.fixture(autouse=True)
def two_topics(tmp_path):
    with made_up_course(tmp_path, COURSE, {"two/reads": READS, "two/counts": COUNTS}):
        yield


def command(link: Try | See, topic: str = "reads", request: Request | None = None) -> str:
    request = request or Request("it's mine", 3, Settings(width=7), untrained=True)
    return completed(link, find_topic(topic), "the_words", request).command


def test_this_step_again_with_another_setting_keeps_everything_else():
    again = command(Try.here(scale=0.5))
    assert again == (
        "tfx explain reads --step the_words --text 'it'\"'\"'s mine' --seed 3 --untrained --set width=7 --set scale=0.5"
    )
    assert shlex.split(again)[6] == "it's mine"


def test_a_setting_that_is_suggested_takes_the_place_of_the_readers():
    assert command(Try.here(width=2)).endswith("--untrained --set width=2")


def test_another_sentence_takes_the_place_of_the_readers():
    assert "--text 'the cat'" in command(Try.here(text="the cat"))
    assert "mine" not in command(Try.here(text="the cat"))


def test_another_seed_takes_the_place_of_the_readers():
    assert "--seed 4 --untrained --set width=7" in command(Try.here(seed=4))


def test_another_seed_reaches_other_commands_too():
    assert command(Try("tfx experiment scaling", seed=5)) == "tfx experiment scaling --seed 5"


def test_a_topic_that_reads_no_sentence_is_given_none():
    assert command(Try.here(width=2), "counts") == "tfx explain counts --step the_words --seed 3 --set width=2"
    assert command(Try("tfx explain counts")) == "tfx explain counts --seed 3"
    assert command(See("counts", "the_words")) == "tfx explain counts --step the_words --seed 3"


def test_another_topic_gets_the_sentence_and_the_seed_but_no_foreign_settings():
    assert command(See("reads"), "counts") == "tfx explain reads --text 'it'\"'\"'s mine' --seed 3 --untrained"


def test_an_experiment_gets_the_seed():
    assert command(Try("tfx experiment scaling", {"mean": 0.5})) == "tfx experiment scaling --seed 3 --set mean=0.5"


def test_a_quiz_stays_as_it_is():
    assert command(Try("tfx quiz reads")) == "tfx quiz reads"


def test_a_reader_who_brought_nothing_gets_short_commands():
    plain = Request(None, 0, Settings())
    assert command(Try.here(scale=2.0), request=plain) == "tfx explain reads --step the_words --set scale=2"
    assert command(See("counts"), request=plain) == "tfx explain counts"


def test_a_pointer_tells_the_title_of_what_it_points_at():
    request = Request(None, 0, Settings())
    assert completed(See("counts", "the_words"), find_topic("reads"), "x", request).title == "The words"
    assert completed(See("counts"), find_topic("reads"), "x", request).title == "Topic counts"


def test_a_pointer_to_nowhere_is_refused_with_the_nearest_name():
    with pytest.raises(BadInput, match='Did you mean "the_words"'):
        command(See("reads", "the_word"))
    with pytest.raises(BadInput, match='Did you mean "counts"'):
        command(See("count"))


SUGGESTS = READS.replace('yield "Words."', 'yield Try.here(width=2)\n    yield Try("tfx quiz reads")').replace(
    "import Lesson", "import Lesson, Try"
)


@pytest.mark.parametrize(("width", "suggested"), [(7, 2), (2, 1)])
def test_a_suggestion_that_is_what_the_reader_sees_is_left_out(tmp_path, width, suggested):
    with made_up_course(tmp_path / "again", COURSE, {"two/reads": SUGGESTS, "two/counts": COUNTS}):
        (step,) = walk(find_topic("reads"), Request("mine", 3, Settings(width=width)))
    assert len(step.tries) == suggested and step.tries[-1].command == "tfx quiz reads"
